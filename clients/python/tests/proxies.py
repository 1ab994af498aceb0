"""Stands between a client and a server, and does what networks do."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress


class TcpProxy:
    def __init__(self, address: str, tls: ssl.SSLContext | None = None) -> None:
        """With a context, what comes is decrypted with it and passed on in clear text."""
        self._tls = tls
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._passing = {"to-server": threading.Event(), "to-client": threading.Event()}
        self._links: list[socket.socket] = []
        self.release()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def hold(self, way: str | None = None) -> None:
        """Forwards nothing any more, that way or both ways; closes nothing."""
        for name in self._passing if way is None else [way]:
            self._passing[name].clear()

    def release(self) -> None:
        """Forwards again, beginning with what has been held back."""
        for passing in self._passing.values():
            passing.set()

    def cut(self) -> None:
        """Drops every connection, on both sides, and what was held back of them."""
        links, self._links = self._links, []
        for link in links:
            close(link)

    def close(self) -> None:
        close(self._listener)
        self.cut()
        self.release()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                client = client if self._tls is None else self._tls.wrap_socket(client, server_side=True)
                server = socket.create_connection(self._target)
            except OSError:
                # Who does not trust the certificate hangs up.
                client.close()
                continue
            self._links += [client, server]
            for way, ends in (("to-server", (client, server)), ("to-client", (server, client))):
                threading.Thread(target=self._carry, args=(self._passing[way], *ends), daemon=True).start()

    def _carry(self, passing: threading.Event, source: socket.socket, sink: socket.socket) -> None:
        try:
            while chunk := source.recv(65536):
                passing.wait()
                sink.sendall(chunk)
        except OSError:
            pass
        close(source)
        close(sink)


def close(link: socket.socket) -> None:
    with suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
    link.close()

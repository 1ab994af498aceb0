import type { Socket } from "node:net";
import type { Server } from "node:tls";

/**
 * The TCP connections of a server for TLS. Node's servers know of a connection only once its handshake is over: until
 * then it is not among those that they close, and it keeps them from closing.
 */
export interface TcpSockets {
  /** What is under an encrypted connection, which cannot itself be reset. Undefined once it is closed. */
  under(encrypted: Socket): Socket | undefined;
  /** Closes those whose handshake is not over. */
  closeUnsecured(): void;
  destroy(): void;
}

export function followTcpSockets(server: Server): TcpSockets {
  const open = new Map<string, Socket>();
  const secured = new Set<string>();
  server.on("connection", (socket: Socket) => {
    const name = nameOf(socket);
    open.set(name, socket);
    socket.once("close", () => {
      if (open.get(name) !== socket) return;
      open.delete(name);
      secured.delete(name);
    });
  });
  server.prependListener("secureConnection", (socket) => {
    const name = nameOf(socket);
    if (open.has(name)) secured.add(name);
  });
  return {
    under: (encrypted) => open.get(nameOf(encrypted)),
    closeUnsecured() {
      for (const [name, socket] of open) if (!secured.has(name)) socket.destroy();
    },
    destroy() {
      for (const socket of open.values()) socket.destroy();
    },
  };
}

/** Both ends: what tells one TCP connection from every other, and is the same on either side of the encryption. */
function nameOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
}

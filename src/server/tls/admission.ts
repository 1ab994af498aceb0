import type { Server, TLSSocket } from "node:tls";
import type { Tls } from "../tls.ts";

/** How servers are to be made; beside `Tls.current`. */
export function handshakeOptions({ clientCertificates }: Tls) {
  return {
    requestCert: clientCertificates !== "none",
    rejectUnauthorized: clientCertificates === "required",
    handshakeTimeout: HANDSHAKE_MS_MAX,
  };
}

/** As long as a request may take to arrive. */
const HANDSHAKE_MS_MAX = 10_000;

/**
 * Lets nobody in whose certificate does not verify. Where certificates are optional Node would: it only says whether the
 * connection is authorized. To be called when all listeners for secure connections are there; they hear of those that
 * are let in.
 */
export function admitVerified(server: Server, { clientCertificates }: Tls): void {
  if (clientCertificates === "none") return;
  const listeners = server.rawListeners("secureConnection");
  server.removeAllListeners("secureConnection");
  server.on("secureConnection", (socket: TLSSocket) => {
    const isGiven = socket.getPeerX509Certificate() !== undefined;
    const isAdmitted = isGiven ? socket.authorized : clientCertificates === "optional";
    if (!isAdmitted) return void socket.destroy();
    for (const listener of listeners) listener.call(server, socket);
  });
}

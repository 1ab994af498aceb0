import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { ClientCertificate } from "../../auth/authenticator.ts";
import { plainNames } from "./alternative-names.ts";

/** Parsed once for each connection. */
const known = new WeakMap<Http2Session | Socket, ClientCertificate | null>();

/** Null without a certificate, and of a connection that is closed. */
export function certificateOfSession(session: Http2Session | undefined): ClientCertificate | null {
  if (session === undefined) return null;
  const found = known.get(session);
  if (found !== undefined) return found;
  // A destroyed session has no socket, and a question for it throws.
  if (session.destroyed || !session.encrypted) return null;
  return remember(session, verifiedCertificate(session.socket as TLSSocket));
}

export function certificateOfSocket(socket: Socket): ClientCertificate | null {
  if (!(socket instanceof TLSSocket)) return null;
  const found = known.get(socket);
  if (found !== undefined) return found;
  return socket.destroyed ? null : remember(socket, verifiedCertificate(socket));
}

function remember(connection: Http2Session | Socket, certificate: ClientCertificate | null): ClientCertificate | null {
  known.set(connection, certificate);
  return certificate;
}

/**
 * Both are asked. A certificate that nobody has verified counts for nothing; and "authorized" alone means little, for
 * Node says it also of a connection that goes on with an earlier one's keys and never showed a certificate.
 */
function verifiedCertificate(socket: TLSSocket): ClientCertificate | null {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined || !socket.authorized) return null;
  return { names: plainNames(certificate.subjectAltName ?? "") };
}

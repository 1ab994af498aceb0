import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import type { TlsFiles } from "./files.ts";

/**
 * What a connection is encrypted with. Ciphers are Node's. The version is said here because NODE_OPTIONS can lower the
 * default. A connection that is under way may not be negotiated again: TLS 1.2 would let a client show another
 * certificate than the one that was verified.
 */
export function contextOptions({ cert, key, clientCa }: Pick<TlsFiles, "cert" | "key" | "clientCa">) {
  return {
    cert,
    key,
    ...(clientCa !== null && { ca: clientCa }),
    minVersion: "TLSv1.2",
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  } satisfies SecureContextOptions;
}

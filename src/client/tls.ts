import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";

export interface TlsOptions {
  /** Authorities in PEM, the text and not a path, that the server's certificate is checked against. Default: Node's. */
  readonly ca?: string | Uint8Array;
  /** The client's own certificate, with those above it, in PEM. Needs a key. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name that the server's certificate must hold. Default: the host of the address. */
  readonly serverName?: string;
}

/** @throws TypeError that says which option is wrong, and nothing of what it holds. */
export function clientContext(tls: true | TlsOptions): SecureContext {
  const { ca, cert, key } = tls === true ? {} : tls;
  if ((cert === undefined) !== (key === undefined)) throw new TypeError("tls.cert and tls.key go together");
  const authorities = ca === undefined ? undefined : certificatesOf("tls.ca", ca);
  const own = cert === undefined ? undefined : certificatesOf("tls.cert", cert);
  const privateKey = key === undefined ? undefined : privateKeyOf(key);
  if (own !== undefined && privateKey !== undefined && !own[0].checkPrivateKey(privateKey)) {
    throw new TypeError("tls.key is not the key of tls.cert");
  }
  try {
    return createSecureContext({
      minVersion: "TLSv1.2",
      ...(authorities && { ca: authorities.map(String) }),
      ...(own && { cert: own.map(String).join("") }),
      ...(key !== undefined && { key: textOf(key) }),
    });
  } catch (error) {
    throw new TypeError(`OpenSSL cannot use what tls holds: ${(error as NodeJS.ErrnoException).code}`);
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Each by itself: of a list Node skips what it cannot read, and without any it would trust all that it knows. */
function certificatesOf(option: string, pem: string | Uint8Array): [X509Certificate, ...X509Certificate[]] {
  const [first, ...others] = textOf(pem).match(CERTIFICATE) ?? [];
  if (first === undefined) throw new TypeError(`${option} must hold certificates in PEM: the text, not a path`);
  try {
    return [new X509Certificate(first), ...others.map((other) => new X509Certificate(other))];
  } catch {
    throw new TypeError(`${option} holds a certificate that cannot be read`);
  }
}

function privateKeyOf(pem: string | Uint8Array): KeyObject {
  try {
    return createPrivateKey(textOf(pem));
  } catch {
    throw new TypeError("tls.key must hold a private key in PEM, without a passphrase: the text, not a path");
  }
}

function textOf(pem: string | Uint8Array): string {
  return typeof pem === "string" ? pem : Buffer.from(pem).toString("latin1");
}

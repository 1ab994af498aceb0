import { readFile } from "node:fs/promises";
import type { SecureContext } from "node:tls";
import { clientContext } from "../client/tls.ts";
import { type Config, OPTIONS } from "../server/config.ts";
import { OperatorError } from "../server/operator-error.ts";

export type CallerTlsSettings = Pick<Config, "tls" | "tlsCa" | "clientCert" | "clientKey">;

/** In PEM. */
export interface CallerTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Any of the settings is enough: who names authorities or shows a certificate does not want clear text. */
export function wantsTls({ tls, tlsCa, clientCert }: CallerTlsSettings): boolean {
  return tls || tlsCa !== null || clientCert !== null;
}

/** @throws OperatorError that names the flag whose file cannot be read */
export async function readCallerTls({ tlsCa, clientCert, clientKey }: CallerTlsSettings): Promise<CallerTls> {
  const [ca, cert, key] = await Promise.all([
    tlsCa === null ? null : readPem("tlsCa", tlsCa),
    clientCert === null ? null : readPem("clientCert", clientCert),
    clientKey === null ? null : readPem("clientKey", clientKey),
  ]);
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

export async function readPem(
  setting: "tlsCa" | "clientCert" | "clientKey" | "tlsCert",
  path: string,
): Promise<Buffer> {
  return readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new OperatorError(`--${OPTIONS[setting].name} cannot be read (${cause.code}): ${path}`);
  });
}

/** @throws OperatorError that names the flag whose file is wrong */
export function callerContext(tls: CallerTls): SecureContext {
  return inFlags(() => clientContext(tls));
}

/** What `work` makes of settings; what the client says of its options is said of the flags that they come from. */
export function inFlags<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const named = error.message.replaceAll(/\b(?:tls\.(?:ca|cert|key)|apiKey)\b/g, (name) => FLAGS[name] ?? name);
    throw new OperatorError(named.replace(": the text, not a path", ""));
  }
}

/** How options of the client are called on the command line. */
const FLAGS: Readonly<Record<string, string>> = {
  "tls.ca": "--tls-ca",
  "tls.cert": "--client-cert",
  "tls.key": "--client-key",
  apiKey: "--api-key",
};

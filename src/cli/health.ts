import { X509Certificate } from "node:crypto";
import { get, type IncomingMessage } from "node:http";
import { get as getSecurely } from "node:https";
import { text } from "node:stream/consumers";
import { checkServerIdentity, type PeerCertificate, type SecureContext, TLSSocket } from "node:tls";
import { type Address, formatAddress, isLoopback } from "../server/config/kinds.ts";
import type { Config } from "../server/config.ts";
import { isOperatorError, OperatorError } from "../server/operator-error.ts";
import { callerContext, readCallerTls, readPem, wantsTls } from "./caller-tls.ts";
import type { CommandIo } from "./commands.ts";
import { explainConnection } from "./connection-failure.ts";
import { type CommandUsage, readSettings } from "./settings.ts";
import { printable } from "./table.ts";

const ABOUT =
  "Exits with 0 when the server at --http-address is ready, with 1 when it is not or does not answer. With the settings\n" +
  "of the server in its environment it finds that server: one that listens on all addresses is asked on loopback, and\n" +
  "one with --tls-cert over TLS. It is known by the key of that certificate, whatever names are in it; a certificate\n" +
  "that was renewed with the same key will do. Otherwise --tls or --tls-ca ask over TLS, and the certificate must hold\n" +
  "the host; on loopback localhost will do. A server that lets in nobody without a certificate needs --client-cert.";

export const HEALTH: CommandUsage = { command: "health", about: ABOUT };

export async function health(args: readonly string[], io: CommandIo): Promise<number> {
  const settings = await readSettings(HEALTH, args, io);
  if (settings.kind === "exit") return settings.code;
  const { config } = settings;
  try {
    const { body, isOk } = await askServer("/readyz", config);
    io.out(body);
    return isOk ? 0 : 1;
  } catch (error) {
    io.error(`holdfast: ${printable(explain(error, config))}\n`);
    return 1;
  }
}

/** Of the server at --http-address, within --timeout; `explain` says why there is no answer. */
export async function askServer(
  path: string,
  config: Config,
): Promise<{ readonly body: string; readonly isOk: boolean }> {
  const response = await ask(await probeOf(config), path, AbortSignal.timeout(config.timeoutMs));
  return { body: await text(response), isOk: response.statusCode === 200 };
}

/** Whom to ask, and whom to believe. */
interface Probe {
  readonly address: Address;
  /** Null: clear text. */
  readonly secureContext: SecureContext | null;
  /** The server's own certificate, if that is known. */
  readonly own: X509Certificate | null;
  /** Whether a certificate will do that authorities vouch for. */
  readonly byAuthorities: boolean;
}

async function probeOf(config: Config): Promise<Probe> {
  const { tlsCert } = config;
  return {
    address: reachable(config.httpAddress),
    secureContext: isSecure(config) ? callerContext(await readCallerTls(config)) : null,
    own: tlsCert === null ? null : await readOwn(tlsCert),
    byAuthorities: wantsTls(config),
  };
}

/** The first of a chain is the server's. */
async function readOwn(path: string): Promise<X509Certificate> {
  const pem = await readPem("tlsCert", path);
  try {
    return new X509Certificate(pem);
  } catch {
    throw new OperatorError(`--tls-cert holds no certificate in PEM that can be read: ${path}`);
  }
}

function isSecure(config: Config): boolean {
  return config.tlsCert !== null || wantsTls(config);
}

/** What listens on every address listens on loopback. */
function reachable({ host, port }: Address): Address {
  if (/^[0.]+$/.test(host)) return { host: "127.0.0.1", port };
  return /^[0:]+$/.test(host) ? { host: "::1", port } : { host, port };
}

/** Not by fetch, which refuses the ports that browsers do, such as 6000 and 6666. */
async function ask(
  { address, secureContext, own, byAuthorities }: Probe,
  path: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const options = { ...address, path, signal, agent: false } as const;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    // The server's own certificate needs no authority. Nothing that is sent is a secret, so it is looked at afterwards.
    const trust = { rejectUnauthorized: own === null, checkServerIdentity: checkName, ALPNProtocols: ["http/1.1"] };
    const secure = { ...options, ...trust, ...(secureContext && { secureContext }) };
    const request = secureContext === null ? get(options, resolve) : getSecurely(secure, resolve);
    request.once("error", reject);
  });
  const { socket } = response;
  if (own === null || !(socket instanceof TLSSocket)) return response;
  const isOwn = socket.getPeerX509Certificate()?.publicKey.equals(own.publicKey) === true;
  if (isOwn || (byAuthorities && socket.authorized)) return response;
  response.destroy();
  throw new OperatorError(
    `what listens on ${formatAddress(address)} has another key than the certificate of --tls-cert (HOLDFAST_TLS_CERT): ` +
      "give the one of that server, or name its authority with --tls-ca",
  );
}

/** Certificates for trying things out hold localhost and no address, and a server listens on an address. */
function checkName(host: string, certificate: PeerCertificate): Error | undefined {
  const problem = checkServerIdentity(host, certificate);
  return problem !== undefined && isLoopback(host) ? checkServerIdentity("localhost", certificate) : problem;
}

/** Why there is no answer, and what to do. */
export function explain(error: unknown, config: Config): string {
  if (isOperatorError(error)) return error.message;
  const { timeoutMs, tlsCa } = config;
  const { host, port } = reachable(config.httpAddress);
  const secure = isSecure(config);
  const nobody = `no answer from ${secure ? "https" : "http"}://${formatAddress({ host, port })}/readyz`;
  const elsewhere = "another server is named with --http-address or HOLDFAST_HTTP_ADDRESS";
  const { name, message, code = "" } = error as NodeJS.ErrnoException;
  if (name === "AbortError") return `${nobody} within ${timeoutMs} ms (--timeout); ${elsewhere}`;
  const tried = { speaks: "HTTP", host, secure, hasAuthorities: tlsCa !== null } as const;
  return `${nobody}: ${explainConnection({ ...tried, message: `${code} ${message}`, elsewhere })}`;
}

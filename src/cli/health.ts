import { readFile } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { get as getSecurely } from "node:https";
import { text } from "node:stream/consumers";
import { formatAddress } from "../server/config/kinds.ts";
import type { Config } from "../server/config.ts";
import type { CommandIo } from "./commands.ts";
import { readSettings } from "./settings.ts";

export async function health(args: readonly string[], io: CommandIo): Promise<number> {
  const about =
    "Exits with 0 when the server at --http-address is ready, with 1 when it is not or does not answer.\n" +
    "Asks in clear text, or with --tls or --tls-ca over TLS: then the server's certificate must hold the host.";
  const settings = readSettings({ command: "health", about }, args, io);
  if (settings.kind === "exit") return settings.code;
  const { httpAddress, timeoutMs, tls, tlsCa } = settings.config;
  const url = `${tls || tlsCa !== null ? "https" : "http"}://${formatAddress(httpAddress)}/readyz`;
  try {
    const response = await ask(settings.config, AbortSignal.timeout(timeoutMs));
    io.out(await text(response));
    return response.statusCode === 200 ? 0 : 1;
  } catch (error) {
    io.error(`holdfast: no answer from ${url}: ${reasonOf(error)}\n`);
    return 1;
  }
}

type Asked = Pick<Config, "httpAddress" | "tls" | "tlsCa">;

/** Not by fetch, which refuses the ports that browsers do, such as 6000 and 6666. */
async function ask({ httpAddress: { host, port }, tls, tlsCa }: Asked, signal: AbortSignal): Promise<IncomingMessage> {
  const options = { host, port, path: "/readyz", signal, agent: false } as const;
  const ca = tlsCa === null ? null : await readAuthorities(tlsCa);
  return new Promise((resolve, reject) => {
    const isSecure = tls || ca !== null;
    const request = isSecure ? getSecurely({ ...options, ...(ca && { ca }) }, resolve) : get(options, resolve);
    request.once("error", reject);
  });
}

/** Without one Node would trust every authority that it knows. */
async function readAuthorities(path: string): Promise<string> {
  const pem = await readFile(path, "latin1");
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw new Error("the file of --tls-ca holds no certificate in PEM");
  return pem;
}

/** An aborted request keeps in the cause that it took too long. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

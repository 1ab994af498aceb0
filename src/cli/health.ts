import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { type Address, formatAddress } from "../server/config/kinds.ts";
import type { CommandIo } from "./commands.ts";
import { readSettings } from "./settings.ts";

export async function health(args: readonly string[], io: CommandIo): Promise<number> {
  const about = "Exits with 0 when the server at --http-address is ready, with 1 when it is not or does not answer.";
  const settings = readSettings({ command: "health", about }, args, io);
  if (settings.kind === "exit") return settings.code;
  const { httpAddress, timeoutMs } = settings.config;
  const url = `http://${formatAddress(httpAddress)}/readyz`;
  try {
    const response = await ask(httpAddress, AbortSignal.timeout(timeoutMs));
    io.out(await text(response));
    return response.statusCode === 200 ? 0 : 1;
  } catch (error) {
    io.error(`holdfast: no answer from ${url}: ${reasonOf(error)}\n`);
    return 1;
  }
}

/** Not by fetch, which refuses the ports that browsers do, such as 6000 and 6666. */
function ask({ host, port }: Address, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ host, port, path: "/readyz", signal, agent: false }, resolve).once("error", reject);
  });
}

/** An aborted request keeps in the cause that it took too long. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

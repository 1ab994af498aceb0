import { formatAddress } from "../server/config/kinds.ts";
import type { CommandIo } from "./commands.ts";
import { readSettings } from "./settings.ts";

export async function health(args: readonly string[], io: CommandIo): Promise<number> {
  const about = "Exits with 0 when the server at --http-address is ready, with 1 when it is not or does not answer.";
  const settings = readSettings({ command: "health", about }, args, io);
  if (settings.kind === "exit") return settings.code;
  const { httpAddress, timeoutMs } = settings.config;
  const url = `http://${formatAddress(httpAddress)}/readyz`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    io.out(await response.text());
    return response.ok ? 0 : 1;
  } catch (error) {
    io.error(`holdfast: no answer from ${url}: ${reasonOf(error)}\n`);
    return 1;
  }
}

/** fetch says "fetch failed" and keeps why it did in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { serve } from "./serve.ts";

const SETTLE_MS = 5_000;

/** Resident MiB of `holdfast serve` and the milliseconds until it listened, on an embedded database, without a call. */
export async function benchIdle(): Promise<{ readonly rssMiB: number; readonly firstStartMs: number }> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "holdfast-idle-"));
  try {
    await using server = await serve(["--data-dir", dataDirectory]);
    await pause(SETTLE_MS);
    const status = await readFile(`/proc/${server.pid}/status`, "utf8").catch(() => "");
    return { rssMiB: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024, firstStartMs: server.startMs };
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

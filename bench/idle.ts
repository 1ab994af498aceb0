import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";

const SETTLE_MS = 5_000;

/** Resident MiB of `holdfast serve` and the milliseconds until it listened, on an embedded database, without a call. */
export async function benchIdle(): Promise<{ readonly rssMiB: number; readonly firstStartMs: number }> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "holdfast-idle-"));
  const started = performance.now();
  const server = spawn(
    process.execPath,
    [
      "src/main.ts",
      "serve",
      "--log-format",
      "json",
      "--data-dir",
      dataDirectory,
      "--grpc-address",
      "127.0.0.1:0",
      "--http-address",
      "127.0.0.1:0",
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    await listening(server.stdout);
    const firstStartMs = performance.now() - started;
    await pause(SETTLE_MS);
    const status = await readFile(`/proc/${server.pid}/status`, "utf8").catch(() => "");
    return { rssMiB: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024, firstStartMs };
  } finally {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGTERM");
    await ended;
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

/** Goes on reading afterwards: a server whose log nobody reads would stand still. */
function listening(log: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    log.on("data", (chunk) => String(chunk).includes('"listening"') && resolve());
    log.once("end", () => reject(new Error("the server ended before it listened")));
  });
}

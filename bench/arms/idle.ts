import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock as clock } from "../../src/clock.ts";
import { figure } from "../figures.ts";
import { memoryOf } from "../load/child.ts";
import type { Section } from "../report.ts";
import { serve } from "../serve.ts";

const SETTLE_MS = 5_000;

const HOW = `
\`holdfast serve\` on an empty directory, with an embedded Postgres of its own: how long until it listens, and what the
server has resident ${SETTLE_MS / 1000} s later without a call. One start. Memory on Linux only.`;

/** A server that nobody calls. */
export async function benchIdle(): Promise<Section> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "holdfast-idle-"));
  try {
    await using server = await serve(["--data-dir", dataDirectory]);
    await clock.sleep(SETTLE_MS);
    const { rssMiB } = await memoryOf(server.pid);
    return {
      id: "idle",
      title: "A server that nobody calls",
      how: HOW.trim(),
      figures: [
        figure("memory", "idle server: memory", "MiB", [rssMiB], { atMost: 150 }),
        figure("first-start", "first start on an empty directory, until it listens", "ms", [server.startMs]),
      ],
    };
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

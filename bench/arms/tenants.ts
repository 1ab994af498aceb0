import { systemClock as clock } from "../../src/clock.ts";
import type { BenchContext } from "../context.ts";
import { figure, grouped, median } from "../figures.ts";
import { memoryOf } from "../load/child.ts";
import type { Section } from "../report.ts";
import { serve } from "../serve.ts";

/** Registered on the one database, and not on the other. */
const TENANTS = 100_000;
const SETTLE_MS = 2_000;

const ROUNDS_MAX = 3;

/** Of each counted start: until it listened, and what it held resident a little later. */
interface Starts {
  readonly ms: number[];
  readonly rssMiB: number[];
}

const HOW = `
Starts of \`holdfast serve\` on a database with ${grouped(TENANTS)} lazy tenants, each with a host, and on one with none, in turn. The first
start on each warms up and is thrown away. What they add is the difference of the medians: single starts differ by more.
Memory on Linux only.`;

/** What a hundred thousand tenants add to a start. */
export async function benchTenants({ postgres, rounds }: BenchContext): Promise<Section> {
  const urls = { empty: await postgres.database("tenants_empty"), full: await postgres.database("tenants_full") };
  await postgres.run(
    urls.full,
    `insert into holdfast.tenant (id, display_name) select 'lazy-' || n, 'Tenant ' || n from generate_series(1, ${TENANTS}) n;
     insert into holdfast.tenant_host (host, tenant) select n || '.example', 'lazy-' || n from generate_series(1, ${TENANTS}) n;
     analyze holdfast.tenant, holdfast.tenant_host`,
  );
  const figures = { empty: newFigures(), full: newFigures() };
  for (let round = 0; round <= Math.min(ROUNDS_MAX, rounds); round++) {
    for (const arm of round % 2 === 0 ? (["empty", "full"] as const) : (["full", "empty"] as const)) {
      const { ms, rssMiB } = await start(urls[arm]);
      if (round === 0) continue;
      figures[arm].ms.push(ms);
      figures[arm].rssMiB.push(rssMiB);
    }
  }
  const { empty, full } = figures;
  const added = (part: keyof Starts) => median(full[part]) - median(empty[part]);
  return {
    id: "tenants",
    title: "A start with many tenants",
    how: HOW.trim(),
    figures: [
      figure("empty-start", "no tenants: start", "ms", empty.ms),
      figure("full-start", "100 000 lazy tenants: start", "ms", full.ms),
      figure("added-start", "100 000 lazy tenants: what they add to a start", "ms", [added("ms")], { atMost: 300 }),
      figure("added-memory", "100 000 lazy tenants: what they add to memory", "MiB", [added("rssMiB")], { atMost: 95 }),
    ],
  };
}

function newFigures(): Starts {
  return { ms: [], rssMiB: [] };
}

async function start(url: string): Promise<{ readonly ms: number; readonly rssMiB: number }> {
  await using server = await serve(["--database-url", url]);
  await clock.sleep(SETTLE_MS);
  return { ms: server.startMs, rssMiB: (await memoryOf(server.pid)).rssMiB };
}

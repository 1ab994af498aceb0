import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type BenchPostgres, startBenchPostgres } from "./database.ts";
import { spread } from "./measure.ts";
import { serve } from "./serve.ts";

/** Registered on the one database, and not on the other. */
export const TENANTS = 100_000;
const SETTLE_MS = 2_000;

/** Of each counted start: until it listened, and what it held resident a little later. */
export interface StartFigures {
  readonly ms: number[];
  readonly rssMiB: number[];
}

/**
 * Starts of `holdfast serve` on a database with a hundred thousand lazy tenants, each with a host, and on one with none,
 * in turn. The first start on each warms up and is thrown away. Memory on Linux only.
 */
export async function benchTenants(
  postgres: BenchPostgres,
  rounds: number,
): Promise<{ readonly empty: StartFigures; readonly full: StartFigures }> {
  const urls = { empty: await postgres.database("tenants_empty"), full: await postgres.database("tenants_full") };
  await postgres.run(
    urls.full,
    `insert into holdfast.tenant (id, display_name) select 'lazy-' || n, 'Tenant ' || n from generate_series(1, ${TENANTS}) n;
     insert into holdfast.tenant_host (host, tenant) select n || '.example', 'lazy-' || n from generate_series(1, ${TENANTS}) n;
     analyze holdfast.tenant, holdfast.tenant_host`,
  );
  const figures = { empty: newFigures(), full: newFigures() };
  for (let round = 0; round <= rounds; round++) {
    for (const arm of round % 2 === 0 ? (["empty", "full"] as const) : (["full", "empty"] as const)) {
      const { ms, rssMiB } = await start(urls[arm]);
      if (round === 0) continue;
      figures[arm].ms.push(ms);
      figures[arm].rssMiB.push(rssMiB);
    }
  }
  return figures;
}

function newFigures(): StartFigures {
  return { ms: [], rssMiB: [] };
}

async function start(url: string): Promise<{ readonly ms: number; readonly rssMiB: number }> {
  await using server = await serve(["--database-url", url]);
  await pause(SETTLE_MS);
  const status = await readFile(`/proc/${server.pid}/status`, "utf8").catch(() => "");
  return { ms: server.startMs, rssMiB: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024 };
}

/** What the tenants cost a start, of the medians: single starts differ by more than that. */
export function costOfTenants({ empty, full }: Awaited<ReturnType<typeof benchTenants>>) {
  const difference = (part: keyof StartFigures) => spread(full[part]).median - spread(empty[part]).median;
  return { ms: difference("ms"), rssMiB: difference("rssMiB") };
}

/** `node bench/tenants.ts [--rounds N]`, by itself. */
if (import.meta.main) {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
  await using postgres = await startBenchPostgres();
  const figures = await benchTenants(postgres, Math.max(3, Number(values.rounds)));
  const cost = costOfTenants(figures);
  const text = (part: keyof StartFigures) => {
    const [empty, full] = [spread(figures.empty[part]), spread(figures.full[part])];
    return [empty, full].map(({ min, median, max }) => [min, median, max].map(Math.round).join(" … ")).join(", with ");
  };
  console.log(`start, in ms, min … median … max: ${text("ms")}: ${Math.round(cost.ms)} more (at most 300)`);
  console.log(`resident, in MiB: ${text("rssMiB")}: ${Math.round(cost.rssMiB)} more (at most 95)`);
}

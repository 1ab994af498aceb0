import { systemClock as clock } from "../../src/clock.ts";
import type { BenchContext } from "../context.ts";
import { figure } from "../figures.ts";
import { startChild } from "../load/child.ts";
import { openTenantLoad, type TenantLoad } from "../load/tenant-load.ts";
import { ratios } from "../measure.ts";
import type { Section } from "../report.ts";
import { serve } from "../serve.ts";

/** Fresh claims a second: what each of the two may send. */
const SHARE = 50;
const EXCESS = 20;
const MS = 8_000;
/** Before the other's is looked at, its load runs. */
const AHEAD_MS = 500;
const ROUNDS_MAX = 3;

const HOW = `
How long the claims of one tenant take, the slowest of a hundred, at ${SHARE} a second in an open loop, counted from when each
call was due: alone; beside another tenant of the same server and database that claims ${EXCESS} times as much and is served;
beside one that tries to and has a quota of ${SHARE} a second. The other's client is a process of the lowest priority.`;

type Arm = "alone" | "loud" | "limited";

/** One tenant beside another. */
export async function benchNeighbours({ postgres, rounds }: BenchContext): Promise<Section> {
  const url = await postgres.database("neighbours");
  await postgres.run(
    url,
    `insert into holdfast.tenant (id, new_records_per_second) values ('quiet', 0), ('loud', 0), ('limited', ${SHARE})`,
  );
  await using server = await serve(["--database-url", url]);
  await using neighbour = await startChild<"ready">(new URL("../load/neighbour.ts", import.meta.url));
  const load = (tenant: string, rate: number): TenantLoad => ({ address: server.grpc, tenant, rate, connections: 2 });
  const quietP99 = async () => {
    const { latenciesMs } = await openTenantLoad(load("quiet", SHARE), MS);
    const sorted = latenciesMs.toSorted((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
  };
  const beside = (tenant: string) => async () => {
    const done = neighbour.ask({ load: load(tenant, SHARE * EXCESS), ms: MS + 2 * AHEAD_MS });
    await clock.sleep(AHEAD_MS);
    const p99 = await quietP99();
    await done;
    return p99;
  };
  const arms: Record<Arm, () => Promise<number>> = {
    ...{ alone: quietP99, loud: beside("loud"), limited: beside("limited") },
  };
  const figures: Record<Arm, number[]> = { alone: [], loud: [], limited: [] };
  for (let round = 0; round <= Math.min(ROUNDS_MAX, rounds); round++) {
    for (const arm of ["alone", "loud", "limited"] as const) {
      const p99 = await arms[arm]();
      if (round > 0) figures[arm].push(p99);
    }
  }
  const { alone, loud, limited } = figures;
  const most = { atMost: 3 };
  return {
    id: "neighbours",
    title: "One tenant beside another",
    how: HOW.trim(),
    figures: [
      figure("alone", "p99 of a tenant that claims 50 a second, alone", "ms", alone),
      figure("loud", "beside one that claims 1 000 a second", "ms", loud),
      figure("limited", "beside one that tries to, and may make 50", "ms", limited),
      figure("loud-to-alone", "beside 20 times the load ÷ alone", "×", ratios(loud, alone), most),
      figure("limited-to-alone", "beside 20 times its quota ÷ alone", "×", ratios(limited, alone), most),
    ],
  };
}

import { fork } from "node:child_process";
import { once } from "node:events";
import type { BenchPostgres } from "./database.ts";
import { type OpenLoop, openLoop } from "./open-loop.ts";
import { serve } from "./serve.ts";

/** Fresh claims a second: what each of the two may send. */
const SHARE = 50;
const EXCESS = 20;
const MS = 8_000;
/** Before the other's is looked at, its load runs. */
const AHEAD_MS = 500;

/**
 * How long the claims of one tenant take, the slowest of a hundred, while another tenant of the same server and the same
 * database does nothing, sends 20 times as much and is served, or sends 20 times as much as its quota.
 */
export async function benchNeighbours(postgres: BenchPostgres, rounds: number) {
  const url = await postgres.database("neighbours");
  await postgres.run(
    url,
    `insert into holdfast.tenant (id, new_records_per_second) values ('quiet', 0), ('loud', 0), ('limited', ${SHARE})`,
  );
  await using server = await serve(["--database-url", url]);
  const neighbour = fork(new URL("./neighbour.ts", import.meta.url));
  const load = (tenant: string, rate: number): OpenLoop => ({ address: server.grpc, tenant, rate, connections: 2 });
  const quietP99 = async () => {
    const { latenciesMs } = await openLoop(load("quiet", SHARE), MS);
    const sorted = latenciesMs.toSorted((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
  };
  const beside = (tenant: string, figures: { sent: number; refused: number }) => async () => {
    neighbour.send({ load: load(tenant, SHARE * EXCESS), ms: MS + 2 * AHEAD_MS });
    await new Promise((resolve) => setTimeout(resolve, AHEAD_MS));
    const answered = once(neighbour, "message");
    const p99 = await quietP99();
    const [message] = (await answered) as [{ readonly sent: number; readonly refused: number }];
    figures.sent += message.sent;
    figures.refused += message.refused;
    return p99;
  };
  const loud = { sent: 0, refused: 0 };
  const limited = { sent: 0, refused: 0 };
  const arms = { alone: quietP99, loud: beside("loud", loud), limited: beside("limited", limited) };
  const figures = { alone: [] as number[], loud: [] as number[], limited: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    for (const arm of ["alone", "loud", "limited"] as const) {
      const p99 = await arms[arm]();
      if (round > 0) figures[arm].push(p99);
    }
  }
  neighbour.disconnect();
  return { ...figures, loadOfLoud: loud, loadOfLimited: limited };
}

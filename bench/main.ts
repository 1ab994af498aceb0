import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { startBenchPostgres } from "./database.ts";
import { benchGrpc } from "./grpc.ts";
import { benchHistory } from "./history.ts";
import { benchIdle } from "./idle.ts";
import { ratios, type Spread, spread } from "./measure.ts";
import { benchNeighbours } from "./neighbours.ts";
import { benchScrape } from "./scrape.ts";
import { benchStatement } from "./statement.ts";
import { benchStore } from "./store.ts";
import { benchTenants, costOfTenants } from "./tenants.ts";
import { benchTracing } from "./tracing.ts";
import { benchCompletions } from "./waiting.ts";
import { benchCrowd, benchWakeUp } from "./wake-up.ts";

const HELP = `Measures Holdfast on this machine, with client, server and Postgres on it. Ratios within one run are what counts.

usage: npm run bench -- [--rounds N] [--json]

  --rounds N   counted rounds of each arm, after one that warms up (default 5)
  --json       one JSON object instead of a table

The table ends with 1 if a target is missed.
`;

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, json: { type: "boolean" }, help: { type: "boolean" } },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds takes a whole number from 1");

interface Line {
  readonly what: string;
  readonly unit: string;
  readonly figure: Spread;
  /** What the project holds itself to; absent for plain figures. */
  readonly target?: { readonly atLeast?: number; readonly atMost?: number };
}

const say = (text: string) => (values.json ? undefined : console.error(text));
const lines: Line[] = [];
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
};

say("idle server …");
const idle = await benchIdle();
await using postgres = await startBenchPostgres();
say("store …");
const store = await benchStore(postgres, rounds);
say("statements …");
const statements = await benchStatement(postgres, rounds * 3);
say("history …");
const history = await benchHistory(postgres, rounds);
say("gRPC …");
const grpc = await benchGrpc(postgres, rounds);
say("tracing …");
const traced = await benchTracing(postgres, rounds);
say("waiting …");
const completions = await benchCompletions(postgres, rounds);
const wakeUps = await benchWakeUp(postgres, rounds);
const crowd = await benchCrowd(postgres);
say("scrape …");
const { crowded } = await benchScrape(postgres);
say("tenants …");
const neighbours = await benchNeighbours(postgres, Math.min(3, rounds));
const tenants = costOfTenants(await benchTenants(postgres, Math.min(3, rounds)));

const add = (what: string, unit: string, figures: readonly number[], target?: Line["target"]) =>
  lines.push({ what, unit, figure: spread(figures), ...(target && { target }) });

add("store: claim + complete, batched", "pairs/s", store.pairsBatched);
add("store: claim + complete, one call per statement", "pairs/s", store.pairsSingle);
add("store: replays", "calls/s", store.replays);
add("batched ÷ one per statement", "×", ratios(store.pairsBatched, store.pairsSingle), { atLeast: 8 });
add("replays ÷ batched pairs", "×", ratios(store.replays, store.pairsBatched), { atLeast: 2 });
for (const [table, arms] of Object.entries(statements)) {
  for (const kind of ["fresh", "takeover"]) {
    const [small = [], large = []] = [arms[`${kind}64`], arms[`${kind}512`]];
    const what = `claim.sql, ${kind === "fresh" ? "fresh claims" : "takeovers"}, ${table} table`;
    add(`${what}: 64 rows`, "µs/row", small);
    add(`${what}: 512 rows`, "µs/row", large);
    add(`${what}: 512 ÷ 64`, "×", [spread(large).median / spread(small).median], { atMost: 1.5 });
  }
}
for (const [name, what] of [
  ["pairs", "claim + complete"],
  ["beats", "heartbeat"],
] as const) {
  add(`${what}, with histories`, "µs/row", history[name].kept);
  add(`${what}, histories ÷ without`, "×", ratios(history[name].kept, history[name].without), { atMost: 1.05 });
}
add("claim, fail, retry, complete: histories ÷ without", "×", ratios(history.retried.kept, history.retried.without));
add(`gRPC unary: replay (${grpc.requestBytes} B → ${grpc.responseBytes} B)`, "calls/s", grpc.replay);
add("gRPC unary: echo of the same messages, same server", "calls/s", grpc.echo);
add("replay ÷ echo", "×", ratios(grpc.replay, grpc.echo), { atLeast: 0.6 });
for (const [what, arms] of Object.entries(traced)) {
  const of = what === "handlers" ? "a replay by the handlers" : "a replay over gRPC";
  add(`${of}: no tracing in the code`, "µs", arms.off);
  add(`${of}: no SDK`, "µs", arms.api);
  add(`${of}: SDK, one of a hundred recorded`, "µs", arms.some);
  add(`${of}: SDK, all recorded`, "µs", arms.all);
  const off = arms.off.map((value, i) => (value + (arms.again[i] ?? value)) / 2);
  add("no tracing ÷ no tracing, in another process", "×", ratios(arms.again, arms.off));
  add("no SDK ÷ no tracing", "×", ratios(arms.api, off), { atMost: 1.05 });
  add("one of a hundred ÷ no tracing", "×", ratios(arms.some, off));
  add("all ÷ no tracing", "×", ratios(arms.all, off));
}
add("completions: without the waiting code", "calls/s", completions.without);
add("completions: with it, nobody waits", "calls/s", completions.nobody);
add("completions: all waited for, NOTIFY after the commit", "calls/s", completions.notified);
add("completions: all waited for, NOTIFY in the transaction", "calls/s", completions.inTransaction);
add("nobody waits ÷ without the waiting code", "×", ratios(completions.nobody, completions.without), { atLeast: 0.97 });
add("NOTIFY in the transaction ÷ after the commit", "×", ratios(completions.inTransaction, completions.notified));
add("wake-up on the same server, after the completion's answer", "ms", wakeUps.here);
add("wake-up on another server, after the completion's answer", "ms", wakeUps.elsewhere);
add("echo, one call at a time", "ms", wakeUps.echo);
add("wake-up on another server ÷ echo", "×", ratios(wakeUps.elsewhere, wakeUps.echo), { atMost: 3 });
add("10 000 waiters of one key: half of them answered", "ms", [crowd.p50Ms]);
add("10 000 waiters of one key: 99 % of them answered", "ms", [crowd.p99Ms]);
add("10 000 waiters of one key: memory", "MiB", crowd.rssMiB, { atMost: 450 });
add("scrape with 10 000 waiters of 1 000 tenants: time", "ms", crowded.ms, { atMost: 50 });
add("scrape with 10 000 waiters of 1 000 tenants: size", "kB", [crowded.kB], { atMost: 200 });
add("two tenants: p99 of one that claims 50 a second, alone", "ms", neighbours.alone);
add("beside one that claims 1 000 a second", "ms", neighbours.loud);
add("beside one that tries to, and may make 50", "ms", neighbours.limited);
add("beside 20 times the load ÷ alone", "×", ratios(neighbours.loud, neighbours.alone), { atMost: 3 });
add("beside 20 times its quota ÷ alone", "×", ratios(neighbours.limited, neighbours.alone), { atMost: 3 });
add("100 000 lazy tenants: what they add to a start", "ms", [tenants.ms], { atMost: 300 });
add("100 000 lazy tenants: what they add to memory", "MiB", [tenants.rssMiB], { atMost: 95 });
add("idle server: memory", "MiB", [idle.rssMiB], { atMost: 150 });
add("first start on an empty directory, until it listens", "ms", [idle.firstStartMs]);

if (values.json) console.log(JSON.stringify({ machine, postgres: postgres.version, rounds, lines }));
else print();

function print(): void {
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, PostgreSQL ${postgres.version}, ${rounds} rounds\n`,
  );
  const cell = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 4 }).padStart(10);
  console.log(`${"".padEnd(62)}${"min".padStart(10)}${"median".padStart(10)}${"max".padStart(10)}`);
  for (const { what, unit, figure, target } of lines) {
    const figures = `${cell(figure.min)}${cell(figure.median)}${cell(figure.max)}`;
    console.log(`${what.padEnd(62)}${figures} ${unit.padEnd(8)}${verdict(figure.median, target)}`);
  }
}

function verdict(median: number, target: Line["target"]): string {
  if (target === undefined) return "";
  const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = target;
  const wanted = target.atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  const met = median >= atLeast && median <= atMost;
  if (!met) process.exitCode = 1;
  return `${met ? "met" : "MISSED"} (${wanted})`;
}

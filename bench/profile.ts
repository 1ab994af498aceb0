import { parseArgs } from "node:util";
import { startBenchPostgres } from "./database.ts";
import { startBenchClient } from "./load/client-process.ts";
import type { Order } from "./load/orders.ts";
import { startBenchServer } from "./load/server-process.ts";

const HELP = `Profiles a server process under load: node --cpu-prof, without the start, to be drawn by scripts/flame-graph.ts.

usage: node bench/profile.ts replays|pairs|echo DIRECTORY [--session] [--ms N]

  DIRECTORY  where the .cpuprofile is written
  --session  over one stream instead of unary calls
  --ms N     how long, after as long a time to warm up (default 5000)

It prints how to draw it.
`;

const KEYS = 500;
const CALLERS = 256;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { session: { type: "boolean" }, ms: { type: "string", default: "5000" }, help: { type: "boolean" } },
});
const [load, directory] = positionals;
if (values.help || directory === undefined || !isLoad(load)) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}

await using postgres = await startBenchPostgres();
const url = await postgres.database("profile");
await using client = await startBenchClient();
// Told by the environment, so that the server alone is profiled.
process.env["NODE_OPTIONS"] = `--cpu-prof --cpu-prof-interval=500 --cpu-prof-dir=${directory}`;
const startedMs = performance.now();
await using server = await startBenchServer(url);
const addresses = [server.address];
const transport = values.session ? "session" : "unary";
const { answer } = await client.do({ kind: "end-keys", transport, addresses, keys: KEYS });
await server.echoWith(answer);
const run = () => client.do(orderOf(load));
await run();
const afterMs = Math.ceil(performance.now() - startedMs);
const cpuBefore = await server.cpuMicros();
const { count } = await run();
const micros = ((await server.cpuMicros()) - cpuBefore) / count;
console.log(`${count} calls, ${micros.toFixed(1)} µs of the server's processor each
node scripts/flame-graph.ts ${directory}/*.cpuprofile PICTURE.svg --after ${afterMs} --calls ${count}`);

type Load = "replays" | "pairs" | "echo";

function isLoad(text: string | undefined): text is Load {
  return text === "replays" || text === "pairs" || text === "echo";
}

function orderOf(load: Load): Extract<Order, { kind: "closed-loop" | "echo" }> {
  const shared = { transport, addresses, callers: CALLERS, ms: Number(values.ms) } as const;
  if (load === "echo") return { kind: "echo", ...shared };
  const work = load === "pairs" ? { kind: "pairs" as const } : { kind: "replays" as const, keys: KEYS };
  return { kind: "closed-loop", work, ...shared };
}

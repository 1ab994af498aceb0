// Measures the peers and prints one JSON object: node run.ts --postgres URL --directory DIR [--rounds N] [--seconds N]
// [--only NAME …]. A peer that cannot be started, or that fails, is in it with its error.
import { parseArgs } from "node:util";
import { startAdcp } from "./adcp.ts";
import { startDbos } from "./dbos.ts";
import type { Home, Load, Peer } from "./peer.ts";
import { startRedis } from "./redis.ts";
import { startRestate } from "./restate.ts";

const PEERS = {
  Restate: startRestate,
  DBOS: startDbos,
  Redis: startRedis,
  "@adcp/sdk": startAdcp,
} satisfies Record<string, (home: Home) => Promise<Peer>>;

const WARM_UP_SECONDS = 0.5;

const { values } = parseArgs({
  options: {
    postgres: { type: "string", default: "" },
    directory: { type: "string", default: "" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "2" },
    only: { type: "string", multiple: true },
  },
});
// Programs that were started end with this process, and it ends by itself when its parent wants that.
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(1));

await using stack = new AsyncDisposableStack();
const home = { postgresUrl: values.postgres, directory: values.directory };
const seconds = Number(values.seconds);
const peers = [];
for (const [name, start] of Object.entries(PEERS)) {
  if (values.only !== undefined && !values.only.includes(name)) continue;
  try {
    const peer = stack.use(await start(home));
    peers.push({ name, version: peer.version, arms: peer.arms.map((arm) => ({ ...arm, loads: [] as Load[] })) });
  } catch (error) {
    peers.push({ name, error: messageOf(error), arms: [] });
  }
}

const arms = peers.flatMap((peer) => peer.arms.map((arm) => ({ peer, arm })));
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const { peer, arm } of round % 2 === 0 ? arms : arms.toReversed()) {
    if ("error" in peer) continue;
    try {
      const load = await arm.run(round === 0 ? WARM_UP_SECONDS : seconds);
      if (round > 0) arm.loads.push(load);
    } catch (error) {
      Object.assign(peer, { error: `${arm.id}: ${messageOf(error)}` });
    }
  }
}
await stack.disposeAsync();
console.log(JSON.stringify({ seconds, peers }));

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

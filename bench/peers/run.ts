// Starts the peers and measures what it is told: node run.ts POSTGRES-URL DIRECTORY, over the channel to its parent
// (orders.ts), until that lets go. A peer that cannot be started is told of with its error.
import { startAdcp } from "./adcp.ts";
import { startDbos } from "./dbos.ts";
import type { PeersAnswer, PeersHello, PeersOrder } from "./orders.ts";
import type { Arm, Home, Peer } from "./peer.ts";
import { startRedis } from "./redis.ts";
import { startRestate } from "./restate.ts";

const PEERS = {
  Restate: startRestate,
  DBOS: startDbos,
  Redis: startRedis,
  "@adcp/sdk": startAdcp,
} satisfies Record<string, (home: Home) => Promise<Peer>>;

const [, , postgresUrl = "", directory = ""] = process.argv;
const stack = new AsyncDisposableStack();
// Programs that were started end with this process, and it ends by itself when its parent lets go, or is told to end.
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(1));
process.once("disconnect", () => void stack.disposeAsync().finally(() => process.exit()));

const arms = new Map<string, Arm>();
const peers: PeersHello["peers"][number][] = [];
for (const [name, start] of Object.entries(PEERS)) {
  try {
    const { version, arms: all } = stack.use(await start({ postgresUrl, directory }));
    for (const arm of all) arms.set(arm.id, arm);
    peers.push({ name, version, arms: all.map(({ id, what, unit }) => ({ id, what, unit })) });
  } catch (error) {
    peers.push({ name, error: messageOf(error), arms: [] });
  }
}

process.on("message", async ({ arm, seconds }: PeersOrder) => {
  process.send?.(await answer(arm, seconds));
});
process.send?.({ peers } satisfies PeersHello);

async function answer(id: string, seconds: number): Promise<PeersAnswer> {
  try {
    const arm = arms.get(id);
    if (arm === undefined) throw new Error(`bug: no arm ${id}`);
    return { load: await arm.run(seconds) };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

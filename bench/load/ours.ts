import { type Load, REPLAYED_KEYS } from "../peers/peer.ts";
import type { Transport } from "./caller.ts";
import { startBenchClient } from "./client-process.ts";
import { startBenchServer } from "./server-process.ts";
import type { Work } from "./work.ts";

export interface OurArm {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  run(seconds: number): Promise<Load>;
}

export interface Ours extends AsyncDisposable {
  readonly arms: readonly OurArm[];
  /** Of the service and of the client that loads it. */
  readonly pids: readonly number[];
}

const PAIRS: Work = { kind: "pairs" };
const REPLAYS: Work = { kind: "replays", keys: REPLAYED_KEYS };

/** The service and its lean client, each a process, to take turns with the peers. */
export async function startOurs(url: string): Promise<Ours> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startBenchServer(url));
  const client = stack.use(await startBenchClient());
  const addresses = [server.address];
  await client.do({ kind: "end-keys", transport: "unary", addresses, keys: REPLAYED_KEYS });
  const arm = (id: string, what: string, unit: string, transport: Transport, work: Work, callers: number): OurArm => ({
    ...{ id: `${id}-${callers}`, what: `Holdfast, ${what}, ${callers} open`, unit },
    async run(seconds) {
      const load = { transport, addresses, work, callers, ms: seconds * 1000 } as const;
      const { perSecond, latency } = await client.do({ kind: "closed-loop", ...load });
      return { perSecond, p50Ms: latency.p50Ms, p99Ms: latency.p99Ms };
    },
  });
  const both = (id: string, what: string, unit: string, transport: Transport, work: Work) =>
    [64, 256].map((callers) => arm(id, what, unit, transport, work, callers));
  const running = stack.move();
  return {
    pids: [server.pid, client.pid],
    arms: [
      ...both("unary", "unary calls: claim + complete, fresh key", "executions/s", "unary", PAIRS),
      ...both("session", "session: claim + complete, fresh key", "executions/s", "session", PAIRS),
      ...both("unary-replay", "unary calls: claim, ended key", "replays/s", "unary", REPLAYS),
      arm("session-replay", "session: claim, ended key", "replays/s", "session", REPLAYS, 64),
    ],
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

import type { BenchContext } from "../context.ts";
import { barsOf, figure, pick } from "../figures.ts";
import { goal } from "../goals.ts";
import type { Transport } from "../load/caller.ts";
import { startBenchClient } from "../load/client-process.ts";
import { closedLoop, type Measured } from "../load/loops.ts";
import { type BenchServer, startBenchServer } from "../load/server-process.ts";
import { createStoreReplays } from "../load/store-work.ts";
import { interleave, ratios } from "../measure.ts";
import type { Figure, Section } from "../report.ts";
import { openPlainStore } from "../stores.ts";

const KEYS = 500;
const CALLERS = 256;

const HOW = `
Claims of ${KEYS} keys that have ended, by ${CALLERS} callers in a closed loop, each answered with the stored result. An *echo* is
a method of the same server process that decodes the same request and encodes the same answer and does nothing in between:
what a call costs before anybody has done anything. Of the session the echo is another stream of the same messages. The
lean client takes some 10 µs of its processor for a call, so that with unary calls the server's process is the limit of
both; *by grpc-js's client* the same calls are made as most applications in Node make them, and the client is the limit.
*Server* is the time of the server's processor for a call, without Postgres's.`;

type Replayed = Measured & { readonly serverMicros: number };

/** Replays by unary calls, by a session, through the store alone; and echoes of the same messages. */
export async function benchReplay({ postgres, rounds, ms }: BenchContext): Promise<Section> {
  const url = await postgres.database("replay");
  await using server = await startBenchServer(url);
  await using client = await startBenchClient();
  await using plain = await openPlainStore(url);
  const storeReplay = await createStoreReplays(plain.store, KEYS);
  const addresses = [server.address];
  const { answer } = await client.do({ kind: "end-keys", transport: "unary", addresses, keys: KEYS });
  await server.echoWith(answer);
  const load = (share: number) => ({ addresses, callers: CALLERS, ms: ms * share });
  const work = { kind: "replays", keys: KEYS } as const;
  const replays = (transport: Transport) => (share: number) =>
    withServer(server, () => client.do({ kind: "closed-loop", transport, work, ...load(share) }));
  const echoes = (transport: Transport) => (share: number) =>
    withServer(server, () => client.do({ kind: "echo", transport, ...load(share) }));
  const measured = await interleave(rounds, {
    ...{ unary: replays("unary"), echo: echoes("unary") },
    ...{ session: replays("session"), sessionEcho: echoes("session") },
    ...{ grpcJs: replays("grpc-js"), grpcJsEcho: echoes("grpc-js") },
    store: (share) => withServer(server, () => closedLoop(CALLERS, ms * share, storeReplay)),
  });
  const { unary, echo, session, sessionEcho, grpcJs, grpcJsEcho, store } = measured;
  const ratio = (a: readonly Replayed[], b: readonly Replayed[]) => ratios(pick(a, rate), pick(b, rate));
  const micros = ratios(pick(unary, serverMicros), pick(echo, serverMicros));
  return {
    id: "replay",
    title: "Replay of a stored result",
    how: HOW.trim(),
    figures: [
      ...figuresOf("unary", "unary calls", unary),
      ...figuresOf("echo", "echo of the same messages", echo),
      ...figuresOf("session", "session", session),
      ...figuresOf("session-echo", "echo over a session", sessionEcho),
      figure("store-rate", "store only", "calls/s", pick(store, rate)),
      figure("grpc-js-rate", "unary calls by grpc-js's client", "calls/s", pick(grpcJs, rate)),
      figure("unary-to-echo", "unary replay ÷ echo", "×", ratio(unary, echo), goal("replay/unary-to-echo")),
      figure("unary-to-echo-server", "unary replay ÷ echo, of the server's processor", "×", micros),
      figure("grpc-js-to-echo", "unary replay ÷ echo, both by grpc-js's client", "×", ratio(grpcJs, grpcJsEcho)),
      figure("session-to-unary", "session ÷ unary calls", "×", ratio(session, unary), goal("replay/session-to-unary")),
      figure("session-to-echo", "session ÷ echo over a session", "×", ratio(session, sessionEcho)),
    ],
    charts: [
      barsOf({ id: "replay-rate", title: "Replays a second", unit: "calls/s" }, "by", {
        ...{ "unary calls": pick(unary, rate), echo: pick(echo, rate), session: pick(session, rate) },
        ...{ "echo over a session": pick(sessionEcho, rate), "store only": pick(store, rate) },
      }),
    ],
  };
}

const rate = ({ perSecond }: Measured) => perSecond;
const serverMicros = ({ serverMicros }: Replayed) => serverMicros;

function figuresOf(id: string, what: string, measured: readonly Replayed[]): readonly Figure[] {
  return [
    figure(`${id}-rate`, what, "calls/s", pick(measured, rate)),
    figure(
      `${id}-p50`,
      `${what}, p50`,
      "ms",
      pick(measured, ({ latency }) => latency.p50Ms),
    ),
    figure(
      `${id}-p99`,
      `${what}, p99`,
      "ms",
      pick(measured, ({ latency }) => latency.p99Ms),
    ),
    figure(`${id}-server`, `${what}, server`, "µs", pick(measured, serverMicros)),
  ];
}

async function withServer(server: BenchServer, run: () => Promise<Measured>): Promise<Replayed> {
  const before = await server.cpuMicros();
  const measured = await run();
  return { ...measured, serverMicros: ((await server.cpuMicros()) - before) / measured.count };
}

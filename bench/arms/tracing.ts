import type { BenchContext } from "../context.ts";
import { figure } from "../figures.ts";
import { startChild } from "../load/child.ts";
import { startBenchClient } from "../load/client-process.ts";
import { type BenchServer, startBenchServer } from "../load/server-process.ts";
import { interleave, ratios } from "../measure.ts";
import type { Figure, Section } from "../report.ts";
import type { Traced } from "../traced.ts";

const HANDLER_CALLS = 40_000;
const KEYS = 500;
const CALLERS = 256;

const HOW = `
Time of the processor for a replay, once left to the handlers alone over the memory store, one call at a time, and once by a
server over gRPC, ${CALLERS} callers. Tracing is left out of the code; or there, without an SDK, as most run; or with an SDK that
records one of a hundred calls, or all. An SDK is a process's, so there is a process for each, and one that leaves tracing
out is there twice: what the two differ by is noise.`;

/** What tracing costs where there is no SDK, and where there is one. */
export async function benchTracing(context: BenchContext): Promise<Section> {
  const [handlers, replays] = [await benchHandlers(context), await benchReplays(context)];
  return {
    id: "tracing",
    title: "What tracing costs",
    how: HOW.trim(),
    figures: [
      ...figuresOf("handlers", "a replay by the handlers", handlers),
      ...figuresOf("replays", "a replay over gRPC", replays),
    ],
  };
}

type Micros = Readonly<Record<Traced | "again", readonly number[]>>;

function figuresOf(id: string, what: string, { off, again, api, some, all }: Micros): readonly Figure[] {
  const either = off.map((value, i) => (value + (again[i] ?? value)) / 2);
  return [
    figure(`${id}-off`, `${what}: no tracing in the code`, "µs", off),
    figure(`${id}-api`, `${what}: no SDK`, "µs", api),
    figure(`${id}-some`, `${what}: SDK, one of a hundred recorded`, "µs", some),
    figure(`${id}-all`, `${what}: SDK, all recorded`, "µs", all),
    figure(`${id}-noise`, `${what}: no tracing ÷ no tracing, in another process`, "×", ratios(again, off)),
    figure(`${id}-api-to-off`, `${what}: no SDK ÷ no tracing`, "×", ratios(api, either), { atMost: 1.05 }),
    figure(`${id}-some-to-off`, `${what}: one of a hundred ÷ no tracing`, "×", ratios(some, either)),
    figure(`${id}-all-to-off`, `${what}: all ÷ no tracing`, "×", ratios(all, either)),
  ];
}

async function benchHandlers({ rounds }: BenchContext): Promise<Micros> {
  await using started = new AsyncDisposableStack();
  const start = async (traced: Traced) => {
    const program = new URL("../load/tracing-calls.ts", import.meta.url);
    const child = started.use(await startChild<"ready">(program, [traced]));
    return () => child.ask<number>(HANDLER_CALLS);
  };
  return await interleave(rounds, {
    ...{ off: await start("off"), again: await start("off"), api: await start("api") },
    ...{ some: await start("some"), all: await start("all") },
  });
}

async function benchReplays({ postgres, rounds, ms }: BenchContext): Promise<Micros> {
  const url = await postgres.database("tracing");
  await using started = new AsyncDisposableStack();
  const client = started.use(await startBenchClient());
  // By a server of its own, or one arm would be warmer than the others.
  await using first = await startBenchServer(url);
  await client.do({ kind: "end-keys", transport: "unary", addresses: [first.address], keys: KEYS });
  const work = { kind: "replays", keys: KEYS } as const;
  const arm = (server: BenchServer) => async () => {
    const before = await server.cpuMicros();
    const addresses = [server.address];
    const order = { kind: "closed-loop", transport: "unary", addresses, work, callers: CALLERS, ms } as const;
    const { count } = await client.do(order);
    return ((await server.cpuMicros()) - before) / count;
  };
  const start = async (traced: Traced) => arm(started.use(await startBenchServer(url, traced)));
  return await interleave(rounds, {
    ...{ off: await start("off"), again: await start("off"), api: await start("api") },
    ...{ some: await start("some"), all: await start("all") },
  });
}

import { fork } from "node:child_process";
import { once } from "node:events";
import type { BenchPostgres } from "./database.ts";
import { type BenchServer, encodeReplays, path, startServer, storeResults, WIDTH } from "./grpc.ts";
import { interleave, throughput } from "./measure.ts";
import type { Traced } from "./traced.ts";

const HANDLER_CALLS = 40_000;
const REPLAYS = 8_000;

/** What tracing costs where there is no SDK, and where there is one: a process for each, since an SDK is a process's. */
export async function benchTracing(postgres: BenchPostgres, rounds: number) {
  return { handlers: await benchHandlers(rounds), replays: await benchReplays(postgres, rounds) };
}

/**
 * Microseconds of the processor for a call by the handlers alone, one at a time, over the memory store. One arm is there
 * twice: what the two differ by is noise.
 */
async function benchHandlers(rounds: number) {
  const [off, again] = [await startHandlers("off"), await startHandlers("off")];
  const [api, some, all] = [await startHandlers("api"), await startHandlers("some"), await startHandlers("all")];
  const figures = await interleave(rounds, {
    ...{ off: off.run, again: again.run, api: api.run, some: some.run, all: all.run },
  });
  for (const { stop } of [off, again, api, some, all]) await stop();
  return figures;
}

async function startHandlers(traced: Traced) {
  const child = fork(new URL("./tracing-calls.ts", import.meta.url), [traced], { stdio: "inherit" });
  await once(child, "message");
  return {
    async run(): Promise<number> {
      const answered = once(child, "message");
      child.send(HANDLER_CALLS);
      const [micros] = await answered;
      return Number(micros);
    },
    async stop() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}

/** Microseconds of a server's processor for a replay over gRPC, by servers on one database. */
async function benchReplays(postgres: BenchPostgres, rounds: number) {
  const url = await postgres.database("tracing");
  // By a server of its own, or one arm would be warmer than the others.
  const first = await startServer(url, Buffer.alloc(0));
  await storeResults(first);
  await first.stop();
  const start = (traced: Traced) => startServer(url, Buffer.alloc(0), undefined, traced);
  const [off, again, api] = [await start("off"), await start("off"), await start("api")];
  const [some, all] = [await start("some"), await start("all")];
  const replays = encodeReplays();
  const arm = (server: BenchServer) => async () => {
    const before = await server.cpuMicros();
    await throughput(REPLAYS, WIDTH, (i) => server.call(path("Claim"), replays[i % replays.length] ?? Buffer.alloc(0)));
    return ((await server.cpuMicros()) - before) / REPLAYS;
  };
  const figures = await interleave(rounds, {
    ...{ off: arm(off), again: arm(again), api: arm(api), some: arm(some), all: arm(all) },
  });
  for (const server of [off, again, api, some, all]) await server.stop();
  return figures;
}

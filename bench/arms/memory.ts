import { systemClock as clock } from "../../src/clock.ts";
import type { BenchContext } from "../context.ts";
import { figure, grouped, pick } from "../figures.ts";
import { goal } from "../goals.ts";
import { memoryOf, startChild } from "../load/child.ts";
import { startBenchClient } from "../load/client-process.ts";
import { gather } from "../load/gather.ts";
import type { Waiting } from "../load/orders.ts";
import { startBenchServer, waitingCalls } from "../load/server-process.ts";
import { ratios } from "../measure.ts";
import type { Section } from "../report.ts";

const WAITERS = 10_000;
/** Each starts processes anew. */
const ROUNDS_MAX = 3;
/** So that the collections that follow the crowd's arrival are over. */
const SETTLE_MS = 1_500;
const KIB_OF_MIB = 1024;

const HOW = `
What a process has resident ${SETTLE_MS / 1000} s after ${grouped(WAITERS)} callers have come who wait for one key: as claims with a wait, each a unary
call; as streams of WaitFor; as claims with a wait over as many sessions as it takes. The *bare* server is grpc-js alone,
which takes as many of the same calls, neither decodes nor answers them, and keeps them open. Each figure is of a process
of its own, connections and code included; *idle* is the process before anybody comes, and *for each*
what has come on top, by the number of callers. Linux only.`;

interface Held {
  readonly idle: number;
  readonly holding: number;
}

/** Memory of those who wait. */
export async function benchMemory({ postgres, rounds, full, say }: BenchContext): Promise<Section> {
  const url = await postgres.database("memory");
  const arms = {
    bare: holdBare,
    claims: () => holdWaiters(url, "unary", "claims"),
    streams: () => holdWaiters(url, "unary", "streams"),
    sessions: () => holdWaiters(url, "session", "claims"),
  };
  const held = { bare: [] as Held[], claims: [] as Held[], streams: [] as Held[], sessions: [] as Held[] };
  for (let round = 0; round < (full ? Math.min(rounds, ROUNDS_MAX) : 1); round++) {
    for (const name of ["bare", "claims", "streams", "sessions"] as const) {
      say(`ten thousand open calls: ${name}`);
      held[name].push(await arms[name]());
    }
  }
  const holding = (name: keyof typeof held) => pick(held[name], (each) => each.holding);
  const ratio = (name: keyof typeof held) => ratios(holding(name), holding("bare"));
  const each = (name: keyof typeof held) =>
    pick(held[name], ({ idle, holding }) => ((holding - idle) * KIB_OF_MIB) / WAITERS);
  return {
    id: "memory",
    title: "Memory of ten thousand who wait",
    how: HOW.trim(),
    figures: [
      figure(
        "bare-idle",
        "bare grpc-js server, idle",
        "MiB",
        pick(held.bare, ({ idle }) => idle),
      ),
      figure("bare", "bare grpc-js server, 10 000 open calls", "MiB", holding("bare")),
      figure(
        "idle",
        "server, idle",
        "MiB",
        pick(held.claims, ({ idle }) => idle),
      ),
      figure("claims", "10 000 claims that wait", "MiB", holding("claims"), goal("memory/claims")),
      figure("streams", "10 000 streams of WaitFor", "MiB", holding("streams")),
      figure("sessions", "10 000 claims that wait, over sessions", "MiB", holding("sessions")),
      figure("bare-each", "bare: for each open call", "KiB", each("bare")),
      figure("claims-each", "for each claim that waits", "KiB", each("claims")),
      figure("streams-each", "for each stream of WaitFor", "KiB", each("streams")),
      figure("sessions-each", "for each claim that waits, over sessions", "KiB", each("sessions")),
      figure("claims-to-bare", "claims that wait ÷ bare", "×", ratio("claims"), goal("memory/claims-to-bare")),
      figure("streams-to-bare", "streams of WaitFor ÷ bare", "×", ratio("streams"), goal("memory/streams-to-bare")),
      figure(
        "sessions-to-bare",
        "claims that wait, over sessions ÷ bare",
        "×",
        ratio("sessions"),
        goal("memory/sessions-to-bare"),
      ),
    ],
  };
}

async function holdWaiters(url: string, transport: "unary" | "session", how: Waiting): Promise<Held> {
  await using server = await startBenchServer(url);
  await using client = await startBenchClient();
  const { rssMiB: idle } = await server.memory();
  const addresses = [server.address];
  await client.do({ kind: "hold", transport, addresses, holder: server.address, how, waiters: WAITERS });
  await gather(client, WAITERS, () => waitingCalls(server));
  await clock.sleep(SETTLE_MS);
  return { idle, holding: (await server.memory()).rssMiB };
}

async function holdBare(): Promise<Held> {
  await using server = await startChild<{ readonly address: string }>(new URL("../load/bare.ts", import.meta.url));
  await using client = await startBenchClient();
  const { rssMiB: idle } = await memoryOf(server.pid);
  const { address } = server.hello;
  await client.do({
    ...{ kind: "hold", transport: "unary", addresses: [address], holder: address, how: "bare", waiters: WAITERS },
  });
  await gather(client, WAITERS, async () => (await server.ask<{ readonly open: number }>("open")).open);
  await clock.sleep(SETTLE_MS);
  return { idle, holding: (await memoryOf(server.pid)).rssMiB };
}

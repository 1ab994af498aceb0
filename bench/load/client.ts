import { type Caller, openCaller, openEcho } from "./caller.ts";
import { type Crowd, openCrowd } from "./crowd.ts";
import { closedLoop, createLatencies, openLoop } from "./loops.ts";
import { createClaims, createNames, outcomeOf } from "./messages.ts";
import type { Answers, Order } from "./orders.ts";
import { wakeUps } from "./waiting.ts";
import { createWorker, endKeys, type Work } from "./work.ts";

/** The lean client, in a process of its own so that it shares no event loop with anybody. It is told what to do. */

const END_CALLERS = 64;
let crowd: Crowd | null = null;

async function obey(order: Order): Promise<Answers[Order["kind"]]> {
  switch (order.kind) {
    case "end-keys": {
      await using caller = await openCaller(order.transport, order.addresses, END_CALLERS);
      return { answer: await endKeys(caller, order.keys, END_CALLERS) };
    }
    case "closed-loop": {
      const { transport, addresses, callers, ms } = order;
      await using caller = await openCaller(transport, addresses, callers);
      return await worked(caller, order.work, (once) => closedLoop(callers, ms, once));
    }
    case "open-loop": {
      await using caller = await openCaller(order.transport, order.addresses, order.callsMax);
      return await worked(caller, order.work, (once) => openLoop(order.perSecond, order.ms, once));
    }
    case "echo": {
      await using caller = await openEcho(order.transport, order.addresses, order.callers);
      const [claimOf, newName] = [createClaims(), createNames()];
      return await closedLoop(order.callers, order.ms, () => caller.claim(claimOf(newName())));
    }
    case "burst":
      return burst(order);
    case "wake-ups":
      return wakeUps(order);
    case "hold":
      crowd = await openCrowd(order);
      return {};
    case "join":
      return theCrowd().join(order.waiters);
    case "release":
      return { ms: await theCrowd().release() };
  }
}

function theCrowd(): Crowd {
  if (crowd === null) throw new Error("bug: nothing is held that anybody could wait for");
  return crowd;
}

async function worked(caller: Caller, work: Work, loop: (once: () => Promise<void>) => ReturnType<typeof closedLoop>) {
  const { once, outcomes } = createWorker(caller, work);
  return { ...(await loop(once)), outcomes: Object.fromEntries(outcomes) };
}

async function burst({ transport, addresses, claims, keys }: Extract<Order, { kind: "burst" }>) {
  await using caller = await openCaller(transport, addresses, claims);
  const [claimOf, newName, latencies] = [createClaims(), createNames(), createLatencies()];
  const outcomes: Record<string, number> = {};
  const one = newName();
  const requests = Array.from({ length: claims }, () => claimOf(keys === "one" ? one : newName()));
  const fromMs = performance.now();
  const answered = requests.map(async (request) => {
    const outcome = outcomeOf(await caller.claim(request));
    latencies.record(performance.now() - fromMs);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  });
  await Promise.all(answered);
  return { elapsedMs: performance.now() - fromMs, latency: latencies.read(), outcomes };
}

process.on("message", async (order: Order) => process.send?.(await obey(order)));
process.once("disconnect", () => process.exit());
process.send?.("ready");

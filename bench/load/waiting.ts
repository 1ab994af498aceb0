import { systemClock as clock } from "../../src/clock.ts";
import { type Caller, openCaller, openEcho } from "./caller.ts";
import { completeOf, createClaims, createNames, handleOf, outcomeOf } from "./messages.ts";
import { samplesAt, waitingIn } from "./metrics.ts";
import type { Answers, Order } from "./orders.ts";

const newName = createNames();
const claimOf = createClaims({ leaseSeconds: 300 });
/** Encodes claims that wait for as long as one may. */
export const waitOf = createClaims({ waitSeconds: 60 });

/** Long enough for a server to be done with the page of metrics that it was just asked for. */
const SETTLE_MS = 6;
const LOOK_MS = 2;
const LOOKS_MAX = 5_000;

/** Claims a new key, and returns what completes it. */
export async function hold(holder: Caller): Promise<{ readonly key: string; complete(): Promise<unknown> }> {
  const key = newName();
  const complete = completeOf(handleOf(await holder.claim(claimOf(key))));
  return { key, complete: () => holder.complete(complete) };
}

/**
 * How long after the holder has its answer each waiter has the result, in ms; below 0 for one who has it before. And of
 * an echo after each, how long it takes. The server has said that all of them wait before the holder completes, and before
 * the echo that nobody does.
 */
export async function wakeUps(order: Extract<Order, { readonly kind: "wake-ups" }>): Promise<Answers["wake-ups"]> {
  const { transport } = order;
  await using holder = await openCaller(transport, [order.holder], 1);
  await using waiter = await openCaller(transport, [order.waiter], order.waiters);
  await using echo = await openEcho(transport, [order.waiter], 1);
  const [ms, echoMs]: [number[], number[]] = [[], []];
  for (let trial = 0; trial < order.trials; trial++) {
    const { key, complete } = await hold(holder);
    const answers = Array.from({ length: order.waiters }, () => resultOf(waiter.claim(waitOf(key))));
    await settled(order.waiterMetrics, order.waiters);
    await complete();
    const endedMs = performance.now();
    for (const answeredMs of await Promise.all(answers)) ms.push(answeredMs - endedMs);
    await settled(order.waiterMetrics, 0);
    const fromMs = performance.now();
    await echo.claim(claimOf(key));
    echoMs.push(performance.now() - fromMs);
  }
  return { ms, echoMs };
}

/** When so many wait at a server, and it has had a moment for nothing else. */
async function settled(metricsUrl: string, waiters: number): Promise<void> {
  let there = Number.NaN;
  for (let look = 0; look < LOOKS_MAX; look++) {
    there = waitingIn(await samplesAt(metricsUrl));
    if (there === waiters) return clock.sleep(SETTLE_MS);
    await clock.sleep(LOOK_MS);
  }
  throw new Error(`${there} wait where ${waiters} should`);
}

/** When the result was there. */
export async function resultOf(answered: Promise<Buffer>): Promise<number> {
  const outcome = outcomeOf(await answered);
  if (outcome !== "completed") throw new Error(`a waiter was answered ${outcome}`);
  return performance.now();
}

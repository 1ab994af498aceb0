import { systemClock as clock } from "../../src/clock.ts";
import { type Caller, openCaller, openEcho } from "./caller.ts";
import { completeOf, createClaims, createNames, handleOf, outcomeOf } from "./messages.ts";
import type { Answers, Order } from "./orders.ts";

const newName = createNames();
const claimOf = createClaims({ leaseSeconds: 300 });
/** Encodes claims that wait for as long as one may. */
export const waitOf = createClaims({ waitSeconds: 60 });

/** Long enough for some claims to be where they wait. */
const SETTLE_MS = 6;

/** Claims a new key, and returns what completes it. */
export async function hold(holder: Caller): Promise<{ readonly key: string; complete(): Promise<unknown> }> {
  const key = newName();
  const complete = completeOf(handleOf(await holder.claim(claimOf(key))));
  return { key, complete: () => holder.complete(complete) };
}

/**
 * How long after the holder has its answer each waiter has the result, in ms; below 0 for one who has it before. And of
 * an echo after each, how long it takes.
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
    await clock.sleep(SETTLE_MS);
    await complete();
    const endedMs = performance.now();
    for (const answeredMs of await Promise.all(answers)) ms.push(answeredMs - endedMs);
    await clock.sleep(SETTLE_MS);
    const fromMs = performance.now();
    await echo.claim(claimOf(key));
    echoMs.push(performance.now() - fromMs);
  }
  return { ms, echoMs };
}

/** When the result was there. */
export async function resultOf(answered: Promise<Buffer>): Promise<number> {
  const outcome = outcomeOf(await answered);
  if (outcome !== "completed") throw new Error(`a waiter was answered ${outcome}`);
  return performance.now();
}

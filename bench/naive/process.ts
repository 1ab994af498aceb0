import { once } from "node:events";
import pg from "pg";
import { systemClock as clock } from "../../src/clock.ts";
import { closedLoop } from "../load/loops.ts";
import { createNames, nameOf } from "../load/messages.ts";
import type { NaiveAnswers, NaiveOrder } from "./orders.ts";
import { byStatements, CHANNEL, inTransactions, type NaiveRecords, TABLE } from "./records.ts";

/** An application that keeps its idempotency keys itself. Argument: the URL of an empty database. */
const [url = ""] = process.argv.slice(2);
// With the ten connections that a pool has unless it is told otherwise.
const pool = new pg.Pool({ connectionString: url });
await pool.query(TABLE);
const listener = new pg.Client({ connectionString: url });
await listener.connect();
await listener.query(`listen ${CHANNEL}`);

const ways = { transactions: inTransactions(pool), statements: byStatements(pool) };
const newName = createNames();
const RESPONSE = { id: "ch_3PqLx2", amount: 4200, currency: "eur", status: "succeeded" };
const ENDED = "naive-ended";
const POLL_MS = 25;

async function pair({ claim, complete }: NaiveRecords, key = newName()): Promise<void> {
  const { kind } = await claim(key);
  if (kind !== "acquired") throw new Error(`a new key was answered ${kind}`);
  await complete(key, RESPONSE);
}

async function replay({ claim }: NaiveRecords, keys: number): Promise<void> {
  const { kind } = await claim(nameOf(ENDED, Math.floor(Math.random() * keys)));
  if (kind !== "completed") throw new Error(`a replay was answered ${kind}`);
}

/**
 * From the completion's answer to when each that polls has seen it. Each has polled once before the completion; the phases
 * of the polls are anybody's, and so is when among them it comes.
 */
async function polled(waiters: number, trials: number): Promise<readonly number[]> {
  const ms: number[] = [];
  const { statements } = ways;
  for (let trial = 0; trial < trials; trial++) {
    const key = newName();
    await statements.claim(key);
    const pollers = Array.from({ length: waiters }, () => poller(key));
    await Promise.all(pollers.map(({ polledOnce }) => polledOnce));
    await clock.sleep(POLL_MS * Math.random());
    await statements.complete(key, RESPONSE);
    const endedMs = performance.now();
    for (const seenMs of await Promise.all(pollers.map(({ seen }) => seen))) ms.push(seenMs - endedMs);
  }
  return ms;
}

function poller(key: string): { readonly polledOnce: Promise<void>; readonly seen: Promise<number> } {
  const { promise: polledOnce, resolve, reject } = Promise.withResolvers<void>();
  const poll = async () => {
    await clock.sleep(Math.random() * POLL_MS);
    for (;;) {
      const { kind } = await ways.statements.claim(key);
      if (kind === "completed") return performance.now();
      resolve();
      await clock.sleep(POLL_MS);
    }
  };
  const seen = poll();
  seen.catch(reject);
  return { polledOnce, seen };
}

/** From the answer to the transaction that notifies, to the result being read by one who listens. */
async function notified(trials: number): Promise<readonly number[]> {
  const ms: number[] = [];
  const { transactions, statements } = ways;
  for (let trial = 0; trial < trials; trial++) {
    const key = newName();
    await transactions.claim(key);
    const seen = once(listener, "notification").then(async () => {
      await statements.claim(key);
      return performance.now();
    });
    await transactions.complete(key, RESPONSE);
    const endedMs = performance.now();
    ms.push((await seen) - endedMs);
  }
  return ms;
}

async function obey(order: NaiveOrder): Promise<NaiveAnswers[NaiveOrder["kind"]]> {
  switch (order.kind) {
    case "end-keys":
      for (let i = 0; i < order.keys; i++) await pair(ways.statements, nameOf(ENDED, i));
      return {};
    case "pairs":
      return await closedLoop(order.callers, order.ms, () => pair(ways[order.by]));
    case "replays":
      return await closedLoop(order.callers, order.ms, () => replay(ways[order.by], order.keys));
    case "polled":
      return { ms: await polled(order.waiters, order.trials) };
    case "notified":
      return { ms: await notified(order.trials) };
  }
}

process.on("message", async (order: NaiveOrder) => process.send?.(await obey(order)));
process.once("disconnect", () => process.exit());
process.send?.("ready");

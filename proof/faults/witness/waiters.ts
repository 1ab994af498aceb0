import { setTimeout as sleep } from "node:timers/promises";
import { Finish_Reason, type LeaseHandle } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Rpc } from "../../../src/client/runtime.ts";
import { millis } from "../../history/load/wire.ts";
import { claimOf, completeOf, handleOf, type Key, LONG } from "../calls.ts";

/** Some who wait on one server for the ends of records that another server is told. */
export interface Waiters {
  /**
   * Ends the records one after the other, so long apart, and tells of each in ms how long after the end's answer whoever
   * waited was answered.
   *
   * @param goesOn asked before each; once it says no, the others are ended at once and not told of
   */
  end(options: { readonly everyMs: number; readonly goesOn?: () => boolean }): Promise<readonly number[]>;
}

export interface WaitersOptions {
  readonly waiting: Rpc;
  readonly telling: Rpc;
  readonly scope: string;
  /** Of a name that no other has. */
  readonly names: readonly string[];
}

const LOOK_MS = 20;

/** Resolves once all of them wait and every record knows it: by claims and by streams in turn. */
export async function openWaiters({ waiting, telling, scope, names }: WaitersOptions): Promise<Waiters> {
  const records = await Promise.all(
    names.map(async (name, i) => {
      const key = { scope, key: name };
      const handle = handleOf(await telling.claim(claimOf(key), LONG));
      const answered = (i % 2 === 0 ? endOfClaim : endOfStream)(waiting, key);
      answered.catch(() => undefined); // It is waited for once the record is ended.
      return { key, handle, answered };
    }),
  );
  await Promise.all(records.map(({ key }) => untilWaitedFor(telling, key)));

  const endOne = async ({ handle, answered }: { handle: LeaseHandle; answered: Promise<number> }) => {
    await telling.complete(completeOf(handle, "done"), LONG);
    const acknowledgedMs = performance.now();
    return Math.max(0, (await answered) - acknowledgedMs);
  };

  return {
    async end({ everyMs, goesOn = () => true }) {
      const told: Promise<number>[] = [];
      const rest = [...records];
      for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
        if (!goesOn()) {
          await Promise.all([next, ...rest].map(endOne));
          break;
        }
        told.push(endOne(next));
        await sleep(everyMs);
      }
      return await Promise.all(told);
    },
  };
}

/** When a claim that waited was answered, by performance.now(). */
async function endOfClaim(rpc: Rpc, key: Key): Promise<number> {
  const { detail } = await rpc.claim(claimOf(key, { waitMs: 60_000 }), LONG);
  const atMs = performance.now();
  if (detail.case !== "completed") throw new Error(`a claim that waited was answered ${detail.case}`);
  return atMs;
}

/** The same of a stream, which must then be finished. */
async function endOfStream(rpc: Rpc, key: Key): Promise<number> {
  let atMs = Number.NaN;
  for await (const { event } of rpc.waitFor({ targets: [{ key }], timeout: millis(90_000) }, LONG)) {
    if (event.case === "ended") atMs = performance.now();
    if (event.case === "finish" && event.value.reason === Finish_Reason.DONE) return atMs;
  }
  throw new Error("a stream ended without the end of its record");
}

async function untilWaitedFor(rpc: Rpc, key: Key): Promise<void> {
  while (!(await rpc.getRecord({ key }, LONG)).record?.hasWaiters) await sleep(LOOK_MS);
}

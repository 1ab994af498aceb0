import { randomUUID } from "node:crypto";
import type { Rpc } from "../../client/client.ts";
import { toDuration } from "../../rpc/wire/time.ts";

export type Mode = "pairs" | "replays";

/** One caller's work: what it does again and again, each call told with how long it took. */
export interface Worker {
  /** @throws what a call threw */
  once(): Promise<void>;
}

export type Call = "claim" | "complete";

export interface WorkerDeps {
  readonly records: Rpc;
  readonly scope: string;
  /** Times a call. */
  readonly timed: <T>(call: Call, send: () => Promise<T>) => Promise<T>;
}

/** The shortest that there is: what is left behind goes a minute later. */
const POLICY = { resultRetention: toDuration(60_000), tombstoneRetention: toDuration(0) };

const RESULT = {
  body: { case: "inline" as const, value: new TextEncoder().encode('{"done":true}') },
  contentType: "application/json",
};

/** A claim and a complete, of a new key each time. */
export function createPairs({ records, scope, timed }: WorkerDeps): Worker {
  return {
    async once() {
      const key = { scope, key: randomUUID() };
      const { detail } = await timed("claim", () => claim(records, key));
      const handle = detail.case === "acquired" ? detail.value.lease?.handle : undefined;
      if (handle === undefined) throw new Error(`a new key was answered ${detail.case}`);
      await timed("complete", () => records.complete({ handle, result: RESULT }));
    },
  };
}

/** Claims of a record that has ended, which are answered with its result. */
export async function createReplays({ records, scope, timed }: WorkerDeps): Promise<Worker> {
  let key = await endedRecord(records, scope);
  return {
    async once() {
      const { detail } = await timed("claim", () => claim(records, key));
      if (detail.case === "completed") return;
      // Its minute is over.
      key = await endedRecord(records, scope);
    },
  };
}

interface Key {
  readonly scope: string;
  readonly key: string;
}

async function endedRecord(records: Rpc, scope: string): Promise<Key> {
  const key = { scope, key: randomUUID() };
  const { detail } = await claim(records, key);
  const handle = detail.case === "acquired" ? detail.value.lease?.handle : undefined;
  if (handle === undefined) throw new Error(`a new key was answered ${detail.case}`);
  await records.complete({ handle, result: RESULT });
  return key;
}

function claim(records: Rpc, key: Key): ReturnType<Rpc["claim"]> {
  return records.claim({ key, claimId: randomUUID(), policy: POLICY, owner: { service: "holdfast-bench" } });
}

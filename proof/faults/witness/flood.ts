import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Rpc } from "../../../src/client/runtime.ts";
import { claimOf, type Key, LONG } from "../calls.ts";

/** Many callers, each of whom claims key after key. */
export interface Flood {
  readonly answers: Answers;
  /** Begins nothing new, and resolves once every call has ended. */
  stop(): Promise<void>;
}

export interface Answers {
  /** With an outcome, whichever. */
  readonly answered: number;
  /** Refused for want of room. */
  readonly shed: number;
  /** How long each of those took, in ms. */
  readonly shedMs: readonly number[];
  /** What went wrong otherwise, by its code. */
  readonly failed: ReadonlyMap<string, number>;
}

export interface FloodOptions {
  readonly callers: number;
  readonly rpcOf: (caller: number) => Rpc;
  readonly keyOf: (caller: number, turn: number) => Key;
  /** After each call, and after one that was not answered. */
  readonly restMs: { readonly always: number; readonly refused: number };
}

export function startFlood({ callers, rpcOf, keyOf, restMs }: FloodOptions): Flood {
  const tally = { answered: 0, shed: 0, shedMs: [] as number[], failed: new Map<string, number>() };
  let isStopped = false;

  const call = async (rpc: Rpc, key: Key): Promise<boolean> => {
    const fromMs = performance.now();
    try {
      await rpc.claim(claimOf(key), LONG);
      tally.answered++;
      return true;
    } catch (error) {
      const name = Code[ConnectError.from(error).code];
      if (name === "ResourceExhausted") {
        tally.shed++;
        tally.shedMs.push(performance.now() - fromMs);
      } else {
        tally.failed.set(name, (tally.failed.get(name) ?? 0) + 1);
      }
      return false;
    }
  };
  const work = async (caller: number) => {
    for (let turn = 0; !isStopped; turn++) {
      const isAnswered = await call(rpcOf(caller), keyOf(caller, turn));
      const ms = restMs.always + (isAnswered ? 0 : restMs.refused);
      if (ms > 0) await sleep(ms);
    }
  };
  const all = Promise.all(Array.from({ length: callers }, (_, caller) => work(caller)));

  return {
    answers: tally,
    async stop() {
      isStopped = true;
      await all;
    },
  };
}

import { setTimeout as pause } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Rpc } from "../../../src/client/runtime.ts";
import { millis } from "../../history/load/wire.ts";
import { claimOf, handleOf, type Key, LONG } from "../calls.ts";
import { until } from "../crowd.ts";
import { type Contended, contendFor } from "./contender.ts";
import { persist } from "./persist.ts";

/** Holders who extend their leases all along, of records that others ask for now and then. */
export interface Extended {
  /** Asks for each of them, once it was extended by the clock as it is now: one that the clock has left behind is over. */
  contend(): Promise<void>;
  /** Resolves once every call has ended. */
  stop(): Promise<{ readonly beats: number; readonly lost: number; readonly contended: Contended }>;
}

export interface ExtendOptions {
  readonly leaseMs: number;
  readonly everyMs: number;
}

/** LEASE_SUPERSEDED, and a token or a record that is unknown. */
const LOST: ReadonlySet<Code> = new Set([Code.Aborted, Code.FailedPrecondition, Code.NotFound]);

/** Each heartbeat is of another server than the one before. */
export async function extendLeases(
  rpcs: readonly Rpc[],
  keys: readonly Key[],
  { leaseMs, everyMs }: ExtendOptions,
): Promise<Extended> {
  const contended: Contended = { refused: 0, taken: 0, lapsed: 0 };
  const told = { beats: 0, lost: 0, contended };
  let isStopped = false;
  const at = (turn: number) => rpcs[turn % rpcs.length] as Rpc;
  const take = async (key: Key, i: number) => {
    const claim = claimOf(key, { leaseMs });
    return handleOf(await persist(() => at(i).claim(claim, LONG)));
  };
  const handles = await Promise.all(keys.map(take));
  /** When the last heartbeat of each was sent that was answered. */
  const beatenMs = handles.map(() => Number.NEGATIVE_INFINITY);
  const all = Promise.all(
    handles.map(async (handle, i) => {
      for (let turn = i; !isStopped; turn++) {
        await pause(everyMs);
        const sentMs = performance.now();
        try {
          await persist(() => at(turn).heartbeat({ handle, lease: millis(leaseMs) }, LONG));
          beatenMs[i] = sentMs;
          told.beats++;
        } catch (error) {
          if (!LOST.has(ConnectError.from(error).code)) throw error;
          told.lost++;
          return;
        }
      }
    }),
  );
  all.catch(() => undefined); // It is told by `stop`.
  return {
    async contend() {
      const fromMs = performance.now();
      const isBeaten = (i: number) => (beatenMs[i] ?? 0) > fromMs || told.lost > 0;
      await Promise.all(
        keys.map(async (key, i) => {
          await until(async () => isBeaten(i), "every holder extends its lease");
          await contendFor(at(i + 1), { key, leaseMs, beatenMs: beatenMs[i] ?? 0 }, contended);
        }),
      );
    },
    async stop() {
      isStopped = true;
      await all;
      return told;
    },
  };
}

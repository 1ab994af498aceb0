import type { Peeked } from "../../../src/domain/calls.ts";
import { addMs, type Instant, msBetween } from "../../../src/domain/instant.ts";
import { hasEnded, isOutcomeUnknown, type StoredRecord } from "../../../src/domain/record.ts";
import type { ClaimOutcome } from "../../../src/operations/claim-outcome.ts";
import type { Store } from "../../../src/store/store.ts";
import { NOW } from "../../support/records.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What the one record of a simulation was at any time, and what was asked about it: the judge of a run. */
export interface History {
  /** The store below everything; every version of the record is noted. */
  watch(store: Store): Store;
  /** What a server's hub reads through. */
  readings(server: number, store: Store): Store;
  /** What a server's claims go through: of each call the first try is not counted. */
  claims(server: number, store: Store): Store;
  /** A call begins: its next claim is its first try. */
  begins(claimId: string): void;
  readonly current: StoredRecord | null;
  /** Since when it is to be told of something; null: there is nothing to tell. */
  actionableSinceMs(wait: Wait): number | null;
  /** What is wrong with an answer to a call that began then; null if nothing is. */
  faultOf(answer: ClaimOutcome, arrivedMs: number): string | null;
  /** What else went wrong. */
  readonly faults: readonly string[];
}

/** A claim that waits, or an onlooker, and the version of the record that this one saw last; null: absent. */
export type Wait = { readonly sinceMs: number } & (
  | { readonly by: "claim" }
  | { readonly by: "onlooker"; knows: string | null }
);

interface Version {
  readonly record: StoredRecord;
  readonly fromMs: number;
  toMs: number;
}

export function createHistory(time: VirtualTime): History {
  const versions: Version[] = [];
  const faults: string[] = [];
  const firstTries = new Set<string>();
  const holders = new Map<bigint, string>();
  /** What each server's hub knows of the record, and what of that it has submitted a claim for. */
  const known = new Map<number, string>();
  const submitted = new Set<string>();
  let current: StoredRecord | null = null;
  let since = 0;

  const note = (record: StoredRecord | null) => {
    if (record === null) return;
    const last = versions.at(-1);
    if (last === undefined || versionOf(last.record) !== versionOf(record)) {
      since = time.monotonicMs();
      if (last !== undefined) last.toMs = since;
      versions.push({ record, fromMs: since, toMs: Number.POSITIVE_INFINITY });
    }
    current = record;
  };

  return {
    watch(store) {
      const noting =
        <Args extends readonly unknown[], Answer>(call: (...args: Args) => Promise<Answer>) =>
        async (...args: Args): Promise<Answer> => {
          const answer = await call(...args);
          note((await store.peek(KEY, Number.POSITIVE_INFINITY)).record);
          return answer;
        };
      return {
        ...store,
        claim: noting(store.claim),
        heartbeat: noting(store.heartbeat),
        finish: noting(store.finish),
        release: noting(store.release),
        reset: noting(store.reset),
      };
    },

    readings: (server, store) => ({
      ...store,
      async peek(key, deadline) {
        const news = await store.peek(key, deadline);
        known.set(server, readingOf(news));
        return news;
      },
    }),

    claims: (server, store) => ({
      ...store,
      async claim(call, deadline) {
        const isFirst = firstTries.delete(call.claimId);
        // Its own attempt, or that of a ghost of its own: whoever else waits, it is to be submitted.
        const isOwn = current?.claimId === call.claimId;
        const release = `${server} ${known.get(server) ?? "nothing"}`;
        if (!isFirst && !isOwn && submitted.has(release))
          faults.push(`two claims of one hub for one release: ${release}`);
        if (!isFirst && !isOwn) submitted.add(release);
        try {
          const answer = await store.claim(call, deadline);
          if (!isFirst && "record" in answer) known.set(server, readingOf(answer));
          if (answer.kind === "acquired") {
            const { fence } = answer.record.lease;
            const holder = holders.get(fence) ?? call.claimId;
            if (holder !== call.claimId) faults.push(`two holders of one fence: ${holder} and ${call.claimId}`);
            holders.set(fence, holder);
          }
          return answer;
        } catch (error) {
          // Nobody knows whether it took effect, so the next one has to be let try.
          submitted.delete(release);
          throw error;
        }
      },
    }),

    begins: (claimId) => void firstTries.add(claimId),

    get current() {
      return current;
    },

    actionableSinceMs(wait) {
      if (current === null) return null;
      if (wait.by === "onlooker") return wait.knows === versionOf(current) ? null : since;
      if (hasEnded(current)) return since;
      const now = instantOf(time.monotonicMs());
      if (current.state === "outcome-unknown") return since;
      if (isOutcomeUnknown(current, now) || current.due <= now)
        return Math.max(since, msBetween(instantOf(0), current.due));
      return null;
    },

    faultOf(answer, arrivedMs) {
      const version = versionOf(answer.record);
      const held = versions.find(({ record }) => versionOf(record) === version);
      if (held === undefined) return `${answer.kind} of an attempt that never was: ${version}`;
      // A call that arrives in the moment of a change may still be answered by what was before it.
      if (held.toMs < arrivedMs)
        return `${answer.kind} of ${version}, which was over ${arrivedMs - held.toMs} ms before the call`;
      if (answer.kind === "acquired" && instantOf(arrivedMs + answer.waitedMs) > answer.now)
        return "waited is too long";
      if (answer.kind === "completed" && String(answer.record.outcome) !== String(held.record.outcome)) {
        return "another result than the stored one";
      }
      return null;
    },

    faults,
  };
}

export const KEY = { tenant: "default", scope: "simulated", key: "the one" };

export function versionOf({ state, lease }: StoredRecord): string {
  return `${state} ${lease.fence}`;
}

/** What is the same for a hub as long as nothing has been released. */
function readingOf({ record, now }: Peeked): string {
  if (record === null) return "absent";
  return `${versionOf(record)} ${record.due} ${record.due <= now ? "due" : "not due"}`;
}

/** The database's clock, which is as fast as the servers' own. */
export function instantOf(ms: number): Instant {
  return addMs(NOW, Math.floor(ms * 1000) / 1000);
}

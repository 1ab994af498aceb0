import { addMs, type Instant } from "../domain/instant.ts";
import { keyText, type RecordKey } from "../domain/key.ts";
import {
  attemptsUsedUp,
  emptied,
  isExpired,
  isForgotten,
  isOutcomeUnknown,
  type StoredRecord,
} from "../domain/record.ts";
import { decideClaim, settle } from "../domain/reducer/claim.ts";
import { decideFinish } from "../domain/reducer/finish.ts";
import { decideHeartbeat } from "../domain/reducer/heartbeat.ts";
import { decideRelease, decideReset } from "../domain/reducer/operator.ts";
import type { Store, Swept } from "./store.ts";

export interface MemoryStoreDeps {
  /** The one clock that judges leases: the database's part. */
  readonly now: () => Instant;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
}

/**
 * The reducer behind a map: the executable specification of the port, and what everything above it is tested on.
 * Nothing is durable and nothing waits.
 */
export function createMemoryStore({ now, newToken }: MemoryStoreDeps): Store {
  const records = new Map<string, StoredRecord>();
  let fenceFloor = 0n;

  const read = (key: RecordKey) => detached(records.get(keyText(key)) ?? null);
  const write = (record: StoredRecord | null) => {
    if (record !== null) records.set(keyText(record.key), detached(record));
  };
  const remove = (record: StoredRecord) => {
    records.delete(keyText(record.key));
    if (record.lease.fence > fenceFloor) fenceFloor = record.lease.fence;
  };

  return {
    async claim(call) {
      const { answer, next } = decideClaim(read(call.key), call, now(), fenceFloor);
      write(next);
      return answer;
    },

    async heartbeat(call) {
      const { answer, next } = decideHeartbeat(read(call.key), call, now());
      write(next);
      return answer;
    },

    async finish(call) {
      const { answer, next } = decideFinish(read(call.key), call, now());
      write(next);
      return answer;
    },

    async peek(key) {
      const at = now();
      const record = read(key);
      return { record: record === null || isForgotten(record, at) ? null : record, now: at };
    },

    async watch({ key, state, fence }) {
      const record = read(key);
      if (record === null || record.endTime !== null || record.hasWaiters) return false;
      if (record.state !== state || record.lease.fence !== fence) return false;
      write({ ...record, hasWaiters: true });
      return true;
    },

    async release(key) {
      const next = decideRelease(read(key), newToken(), now());
      write(next);
      return next?.state ?? null;
    },

    async reset(key, force) {
      const next = decideReset(read(key), newToken(), force, now());
      write(next);
      return next !== null;
    },

    async sweep(limit) {
      const at = now();
      const upTo = (matches: (record: StoredRecord) => boolean, apply: (record: StoredRecord) => void) => {
        const found = records.values().filter(matches).take(limit).toArray();
        for (const record of found) apply(record);
        return found.length;
      };
      const swept: Swept = {
        forgotten: upTo((record) => isForgotten(record, at), remove),
        abandoned: upTo((record) => isAbandoned(record, at), remove),
        emptied: upTo(
          (record) => isExpired(record, at) && holdsContent(record),
          (record) => write(emptied(record)),
        ),
        settled: upTo(
          (record) => isExhausted(record, at),
          (record) => write(settle(record, at)),
        ),
      };
      return swept;
    },
  };
}

/** Claimable for one result retention. HOLD, suspects and used-up attempts stay: somebody must still hear of them. */
function isAbandoned(record: StoredRecord, now: Instant): boolean {
  if (record.suspect !== null || attemptsUsedUp(record)) return false;
  if (addMs(record.due, record.policy.resultRetentionMs) > now) return false;
  return record.state === "available" || (record.state === "in-progress" && !record.policy.hold);
}

function isExhausted(record: StoredRecord, now: Instant): boolean {
  if (record.state !== "in-progress" && record.state !== "available") return false;
  return record.due <= now && attemptsUsedUp(record) && !isOutcomeUnknown(record, now);
}

function holdsContent(record: StoredRecord): boolean {
  const { outcome, checkpoint, progress, externalRef, evidence } = record;
  return outcome !== null || checkpoint !== null || progress !== null || externalRef !== null || evidence.length > 0;
}

/** A deep copy: what a caller later does to the bytes of its call or of its answer never reaches the store. */
function detached<Value>(value: Value): Value {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return new Uint8Array(value) as Value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, detached(part)])) as Value;
}

import type { Instant } from "../domain/instant.ts";
import { isForgotten } from "../domain/record.ts";
import { decideClaim } from "../domain/reducer/claim.ts";
import { decideFinish } from "../domain/reducer/finish.ts";
import { decideHeartbeat } from "../domain/reducer/heartbeat.ts";
import { createOperators } from "./memory/operators.ts";
import { createShelf, type Shelf } from "./memory/shelf.ts";
import { sweepShelf } from "./memory/sweeping.ts";
import type { Store } from "./store.ts";

export interface MemoryStoreDeps {
  /** The one clock that judges leases: the database's part. */
  readonly now: () => Instant;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
  /** Where the records are, for who must reach them past the store. Default: one that is empty. */
  readonly shelf?: Shelf;
}

/**
 * The reducer behind a map: the executable specification of the port, and what everything above it is tested on.
 * Nothing is durable and nothing waits.
 */
export function createMemoryStore({ now, newToken, shelf = createShelf() }: MemoryStoreDeps): Store {
  return {
    ...createOperators({ shelf, now, newToken }),

    async claim(call) {
      const at = now();
      const { answer, next } = decideClaim(shelf.read(call.key), call, at, shelf.fenceFloor);
      shelf.write(next, at, { evidence: call.evidence });
      return answer;
    },

    async heartbeat(call) {
      const at = now();
      const { answer, next } = decideHeartbeat(shelf.read(call.key), call, at);
      shelf.write(next, at);
      return answer;
    },

    async finish(call) {
      const at = now();
      const { answer, next } = decideFinish(shelf.read(call.key), call, at);
      shelf.write(next, at);
      return answer;
    },

    async peek(key) {
      const at = now();
      const record = shelf.read(key);
      return { record: record === null || isForgotten(record, at) ? null : record, now: at };
    },

    async watch({ key, state, fence }) {
      const record = shelf.read(key);
      if (record === null || record.endTime !== null || record.hasWaiters) return false;
      if (record.state !== state || record.lease.fence !== fence) return false;
      shelf.write({ ...record, hasWaiters: true }, now());
      return true;
    },

    sweep: async (limit, upTo) => sweepShelf(shelf, limit, now(), upTo),
  };
}

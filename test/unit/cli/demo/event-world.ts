import { handle } from "../../../../src/cli/demo/handle.ts";
import { type LeaseExpiry, leaseExpiryOf } from "../../../../src/cli/demo/lease-expiry.ts";
import type { Report, Stage } from "../../../../src/cli/demo/messages.ts";
import { type Charge, ChargeError, type Ledger } from "../../../../src/cli/demo/postgres/ledger.ts";
import { createReconcile } from "../../../../src/cli/demo/reconciler.ts";
import type { Clock } from "../../../../src/clock.ts";
import { createFakeServer } from "../../client/fake-server.ts";

export const LEASE_MS = 2_000;

const idsWith = (expiry: LeaseExpiry) =>
  Array.from({ length: 40 }, (_, index) => `evt_${index}`).filter((id) => leaseExpiryOf(id) === expiry);

/** Events that are claimed with "hold", and such as may be taken over. */
export const HELD = idsWith("hold");
export const REACQUIRED = idsWith("reacquire");

/** The real client and the real server over the memory store, a ledger in memory, and one manual clock for all. */
export function openWorld() {
  const server = createFakeServer();
  const ledger = createMemoryLedger();
  const reports: Report[] = [];
  const deps = { holdfast: server.client(), ledger, worker: "worker-1", leaseMs: LEASE_MS };
  const { monotonicMs, sleep } = server.clock;
  const clock: Clock = {
    monotonicMs,
    sleep: (ms, signal = new AbortController().signal) => sleep(ms, signal),
    turn: async () => {},
  };
  return {
    server,
    clock: server.clock,
    ledger,
    reports,
    /** Handles a delivery of this event, as a worker with a client of its own does. */
    deliver(id: string, payload: unknown = {}, stopAt: Stage | null = null, announce = false) {
      const holdfast = server.client();
      const report = (told: Report) => reports.push(told);
      const delivery = { line: 1, id, type: "t", payload };
      return { holdfast, outcome: handle({ ...deps, holdfast, report }, { delivery, stopAt, announce }) };
    },
    reconcile: createReconcile({ holdfast: deps.holdfast, ledger, clock, leaseMs: LEASE_MS }),
  };
}

export interface MemoryLedger extends Ledger {
  readonly charges: Charge[];
  /** Thrown by the next charge, once it is sent. */
  failure: Error | null;
}

function createMemoryLedger(): MemoryLedger {
  const charges: Charge[] = [];
  const fences = new Map<string, bigint>();
  const ledger: MemoryLedger = {
    charges,
    failure: null,
    async charge(charge, mayCharge) {
      if (!mayCharge()) throw new ChargeError(false, new Error("the lease is over"));
      if (ledger.failure !== null) throw new ChargeError(true, ledger.failure);
      charges.push(charge);
    },
    async chargeFenced(charge) {
      const { eventId, fence, chargeId } = charge;
      if (fence < (fences.get(eventId) ?? 0n)) throw new ChargeError(false, new Error("a higher fence was shown"));
      fences.set(eventId, fence);
      const earlier = charges.find((made) => made.eventId === eventId);
      if (earlier !== undefined) return earlier.chargeId;
      if (ledger.failure !== null) throw new ChargeError(true, ledger.failure);
      charges.push(charge);
      return chargeId;
    },
    chargesOf: async (eventId) => charges.filter((charge) => charge.eventId === eventId),
    all: async () => charges,
    async [Symbol.asyncDispose]() {},
  };
  return ledger;
}

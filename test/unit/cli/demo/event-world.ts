import { handle } from "../../../../src/cli/demo/handle.ts";
import type { Report, Stage } from "../../../../src/cli/demo/messages.ts";
import { type Charge, ChargeError, type Ledger } from "../../../../src/cli/demo/postgres/ledger.ts";
import { createReconcile } from "../../../../src/cli/demo/reconciler.ts";
import type { Clock } from "../../../../src/clock.ts";
import { createFakeServer } from "../../client/fake-server.ts";

export const LEASE_MS = 2_000;

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
    deliver(id: string, payload: unknown = {}, stopAt: Stage | null = null) {
      const holdfast = server.client();
      const report = (told: Report) => reports.push(told);
      const delivery = { line: 1, id, type: "t", payload };
      return { holdfast, outcome: handle({ ...deps, holdfast, report }, { delivery, stopAt }) };
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
  const ledger: MemoryLedger = {
    charges,
    failure: null,
    async charge(charge, mayCharge) {
      if (!mayCharge()) throw new ChargeError(false, new Error("the lease is over"));
      if (ledger.failure !== null) throw new ChargeError(true, ledger.failure);
      charges.push(charge);
    },
    chargesOf: async (eventId) => charges.filter((charge) => charge.eventId === eventId),
    all: async () => charges,
    async [Symbol.asyncDispose]() {},
  };
  return ledger;
}

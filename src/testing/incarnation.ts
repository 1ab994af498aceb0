import { randomBytes } from "node:crypto";
import { anonymous } from "../auth/authenticator.ts";
import { never } from "../client/runtime.ts";
import type { Clock } from "../clock.ts";
import type { RecordKey } from "../domain/key.ts";
import { plainTenant } from "../domain/tenant.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import { createEndpoints } from "../rpc/endpoints.ts";
import { silentRpcObserver } from "../rpc/observer.ts";
import type { Store } from "../store/store.ts";
import { noTracing } from "../telemetry/tracing.ts";
import { plainRuntime } from "../tenants/runtime.ts";
import { createStaticTenants } from "../tenants/static.ts";
import { createHub, WAIT_LIMITS } from "../waiting/hub.ts";
import { silentWaitingObserver } from "../waiting/observer.ts";
import { createWakingStore } from "../waiting/waking-store.ts";
import type { TestProcess } from "./process.ts";

/** A server from its start to its end. What it keeps of records is the store's, and outlives it. */
export interface Incarnation {
  /** Those of all methods but Session. */
  readonly endpoints: readonly Endpoint[];
  /** The one that a call has come for. */
  enter(method: string): Endpoint | undefined;
  /** Somebody else has changed the record. */
  wake(key: RecordKey): void;
  /** Does what a server's housekeeping does every ten seconds, and tells whoever waits. */
  sweep(): Promise<void>;
  /** From now on nothing of it happens any more. */
  kill(): void;
}

export interface IncarnationDeps {
  readonly process: TestProcess;
  readonly store: Store;
  readonly tenants: readonly string[];
}

/** The default of `--sweep-interval`. */
const SWEEP_MS = 10_000;
const SWEEP_RECORDS = 1_000;

/** The service's own code from its pipeline down, on one store that nobody else changes. */
export function createIncarnation({ process, store, tenants }: IncarnationDeps): Incarnation {
  const clock: Clock = {
    monotonicMs: process.clock.monotonicMs,
    sleep: (ms, signal = never()) => process.clock.sleep(ms, signal),
    turn: async () => {},
  };
  // Without jitter, so that a test is the same each time.
  const random = () => 0.5;
  const alive = storeOf(process, store);
  const hub = createHub({
    ...{ store: alive, clock, random, observer: silentWaitingObserver },
    // Whatever changes, changes here: so nothing has to be read for the case that somebody did not say so.
    limits: { ...WAIT_LIMITS, backstopMs: Number.POSITIVE_INFINITY },
  });
  hub.setListening(true);
  const waking = createWakingStore({ store: alive, hub, notifier: { notify() {} } });
  const all = tenants.map((id) => ({ tenant: plainTenant(id) }));
  const endpoints = createEndpoints({
    ...{ clock, random, authenticator: anonymous, observer: silentRpcObserver, tracing: noTracing },
    tenants: createStaticTenants(plainRuntime({ store: waking, hub }), all),
    waiting: silentWaitingObserver,
    admission: () => null,
    newToken: () => randomBytes(16),
  });
  const byMethod = new Map(endpoints.map((endpoint) => [endpoint.method.localName, endpoint]));

  const sweep = async () => {
    if (process.killed.aborted) return;
    const { settled } = await alive.sweep(SWEEP_RECORDS);
    if (settled === 0) return;
    // Has whoever waits read again, as a server's backstop would.
    hub.setListening(false);
    hub.setListening(true);
  };

  let isSweeping = false;
  /** Only while somebody waits: nobody else could tell whether it was done, and years are to pass in no time. */
  const sweepWhileWaitedFor = async () => {
    isSweeping = true;
    do {
      // Not by sleeping: nobody's process is kept alive for this.
      await new Promise<void>((resolve) => process.clock.after(SWEEP_MS, resolve));
      await sweep();
    } while (hub.status().keys > 0);
    isSweeping = false;
  };

  return {
    endpoints,
    enter(method) {
      if (!isSweeping) void sweepWhileWaitedFor();
      return byMethod.get(method);
    },
    wake: hub.wake,
    sweep,
    kill() {
      process.kill();
      hub[Symbol.dispose]();
    },
  };
}

/** What is asked by a process that was killed is not asked, and it hears of nothing. */
function storeOf(process: TestProcess, store: Store): Store {
  type Ask = (...args: unknown[]) => Promise<unknown>;
  const asked = Object.entries(store).map(([name, ask]: [string, Ask]) => [
    name,
    (...args: unknown[]) => (process.killed.aborted ? new Promise(() => undefined) : process.whileAlive(ask(...args))),
  ]);
  return Object.fromEntries(asked) as Store;
}

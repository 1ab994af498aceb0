import type { Clock } from "../../clock.ts";
import type { StoreObserver } from "../../store/observer.ts";
import type { Store } from "../../store/store.ts";
import { createSweeper, type Sweeper } from "../../store/sweeper.ts";
import type { Log } from "../../telemetry/log.ts";
import type { WaitingObserver } from "../../waiting/observer.ts";
import { openWaiting } from "../../waiting/postgres/waiting.ts";
import { SWEEP_RECORDS_MAX } from "../limits.ts";
import type { Placement } from "../placement.ts";
import { watchDatabase } from "../probe.ts";
import type { Readiness } from "../readiness.ts";
import type { PlacedBackend } from "./late-backend.ts";
import { watchSweeps } from "./sweep-status.ts";

export interface OpenPlacementDeps {
  readonly clock: Clock;
  /** Names the placement. */
  readonly log: Log;
  readonly observer: StoreObserver;
  readonly waiting: WaitingObserver;
  readonly readiness: Pick<Readiness, "setPlacement">;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly sweepIntervalMs: number;
  readonly decorate: (store: Store) => Store;
}

/** Puts a backend into service: those who wait, the sweeper, the look-out. Takes it over, and lets go of it in the end. */
export function openPlacement(
  name: string,
  backend: PlacedBackend,
  deps: OpenPlacementDeps,
): Placement & AsyncDisposable {
  const { clock, log, random, readiness } = deps;
  const { notifications, opened } = backend;
  const parts = new AsyncDisposableStack();
  parts.use(backend);
  const store = deps.decorate(backend.store);
  const sweeps = watchSweeps(clock, deps.observer, SWEEP_RECORDS_MAX);
  const sweeper = createPlacementSweeper(store, backend, { ...deps, observer: sweeps.observer });
  parts.defer(() => sweeper.stop());
  const waits = parts.use(openWaiting({ store, notifications, opened, observer: deps.waiting, clock, log, random }));
  parts.use(watchDatabase({ name, opened, status: backend.status, readiness, clock, log }));
  // What is closed by then stays so: a sweeper that was stopped begins no pass.
  void opened.then(() => sweeper.start());
  return {
    name,
    store: waits.store,
    hub: waits.hub,
    measure: backend.measure,
    databaseNow: backend.databaseNow,
    status: () => ({ ...backend.status(), waiting: waits.status(), sweeps: sweeps.status() }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function createPlacementSweeper(
  store: Store,
  { databaseNow }: PlacedBackend,
  { clock, observer, random, log, sweepIntervalMs: intervalMs }: OpenPlacementDeps,
): Sweeper {
  return createSweeper({
    ...{ store, clock, databaseNow, observer, random, intervalMs },
    limit: SWEEP_RECORDS_MAX,
    onError: (error) => log.warn({ error }, "a pass of the sweeper failed"),
  });
}

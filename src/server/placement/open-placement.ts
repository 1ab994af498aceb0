import type { Clock } from "../../clock.ts";
import type { StoreObserver } from "../../store/observer.ts";
import type { Store } from "../../store/store.ts";
import { createSweeper, type Sweeper } from "../../store/sweeper.ts";
import type { Log } from "../../telemetry/log.ts";
import type { WaitingObserver } from "../../waiting/observer.ts";
import { SWEEP_RECORDS_MAX } from "../limits.ts";
import type { Placement } from "../placement.ts";
import { watchDatabase } from "../probe.ts";
import type { Readiness } from "../readiness.ts";
import { openWaiting } from "../waiting.ts";
import type { PlacedBackend } from "./late-backend.ts";

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
  const sweeps = createSweepAge(clock, deps.observer);
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
    status: () => ({ ...backend.status(), waiting: waits.status(), sweepAgeMs: sweeps.ageMs() }),
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

/** An observer that tells another one everything, and knows how long ago the last pass was; before the first, since when. */
function createSweepAge(clock: Clock, told: StoreObserver): { readonly observer: StoreObserver; ageMs(): number } {
  let lastMs = clock.monotonicMs();
  return {
    observer: {
      ...told,
      swept(swept, ms) {
        lastMs = clock.monotonicMs();
        told.swept(swept, ms);
      },
    },
    ageMs: () => clock.monotonicMs() - lastMs,
  };
}

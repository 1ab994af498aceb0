import type { Instant } from "../domain/instant.ts";
import type { Connection, DatabaseAddress } from "../store/postgres/connection.ts";
import type { Run } from "../store/postgres/run.ts";
import type { Store } from "../store/store.ts";
import type { Hub } from "../waiting/hub.ts";
import type { WaitingObserver } from "../waiting/observer.ts";
import type { WaitingMode, WaitingStatus } from "../waiting/postgres/waiting.ts";
import { type BackendDeps, type BackendStatus, type MainBackend, openBackend, openMainBackend } from "./backend.ts";
import type { Config } from "./config.ts";
import { findDatabase, listenAddress, MAIN, type MainDatabase, placedDatabase } from "./database-source.ts";
import { START_MS_MAX } from "./limits.ts";
import { OperatorError } from "./operator-error.ts";
import { requireIdentity } from "./placement/identity.ts";
import { createLateBackend, type PlacedBackend } from "./placement/late-backend.ts";
import { openPlacement } from "./placement/open-placement.ts";
import { placementLog } from "./placement/placement-log.ts";
import type { RegistryLanes } from "./placement/registry-lanes.ts";
import { findSameDatabase, type NamedSource } from "./placement/same-database.ts";
import type { SweepStatus } from "./placement/sweep-status.ts";
import { type TimeLimitDeps, withTimeLimit } from "./placement/time-limit.ts";
import { untilThere } from "./placement/until-there.ts";
import type { Readiness } from "./readiness.ts";

/** One Postgres cluster, with all that serves the tenants whose records are there. */
export interface Placement {
  readonly name: string;
  /** Wakes those who wait. Every call is refused with STORE_UNAVAILABLE while the cluster is away. */
  readonly store: Store;
  /** Those who wait for records of this cluster. */
  readonly hub: Hub;
  /** For what tenants use and for their keys; on a connection of its own. */
  readonly measure: Run;
  /** The cluster's clock. */
  databaseNow(): Promise<Instant>;
  status(): PlacementStatus;
}

export interface PlacementStatus extends BackendStatus {
  readonly waiting: WaitingStatus;
  readonly sweeps: SweepStatus;
}

/** The cluster of --database-url, or the embedded one: the tenants' registrations are there too. */
export interface MainPlacement extends Placement, RegistryLanes {
  /** How to connect past any pooler, for LISTEN; throws when nothing leads there. */
  readonly listen: () => DatabaseAddress;
  /** For people; without password. */
  readonly description: string;
  /** Resolves when the database has gone for good and only a restart of this process helps. */
  readonly broken: Promise<Error>;
}

/** Disposing of it closes all of them. */
export interface Placements extends AsyncDisposable {
  readonly main: MainPlacement;
  /** main first, then as they are configured. */
  readonly all: readonly Placement[];
  /** Null when none of this name is configured. */
  of(name: string): Placement | null;
  /** All who wait are to leave, and nobody is admitted any more. */
  drain(): void;
  /** "polling" while those who wait for records of some cluster poll, one that has never been opened aside. */
  waitingMode(): WaitingMode;
}

export interface PlacementsDeps extends BackendDeps {
  readonly waiting: WaitingObserver;
  readonly readiness: Pick<Readiness, "setPlacement">;
  /**
   * What each cluster's plain store is wrapped in, once for each, below what wakes those who wait. `run` is main's
   * `measure`: the tenants' keys are there.
   */
  readonly decorate?: (store: Store, name: string, run: Run) => Store;
}

/**
 * Opens main, or throws what keeps it from being opened. The others are opened in the background and come when they can:
 * a cluster that is down holds up neither the start nor the tenants of another.
 */
export async function openPlacements(config: Config, deps: PlacementsDeps): Promise<Placements> {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await findDatabase(config, deps));
  const { description, broken } = database;
  const backend = await openMain(database, config, deps);
  const { decorate = (store) => store } = deps;
  const take = (name: string, placed: PlacedBackend) =>
    opening.use(
      openPlacement(name, placed, {
        ...deps,
        log: placementLog(deps.log, name),
        sweepIntervalMs: config.sweepIntervalMs,
        decorate: (store) => decorate(store, name, backend.measure),
      }),
    );
  const { run, change, follow } = backend;
  const placed = take(MAIN, { ...backend, opened: Promise.resolve() });
  const listen = () => backend.notifications.listen?.() ?? listenAddress(database, false);
  const main = { ...placed, run, change, follow, listen, description, broken };
  const known: NamedSource[] = [{ name: MAIN, source: database }];
  const all: Placement[] = [main];
  for (const named of config.placements ?? []) {
    const source = placedDatabase(named, config, deps.clock);
    all.push(take(named.name, openLater({ name: named.name, source }, [...known], config, { ...deps, main: change })));
    known.push({ name: named.name, source });
  }
  const byName = new Map(all.map((placement) => [placement.name, placement]));
  const opened = opening.move();
  return {
    main,
    all,
    of: (name) => byName.get(name) ?? null,
    drain() {
      for (const { hub } of all) hub.drain();
    },
    waitingMode() {
      const isPolled = ({ connections, waiting }: PlacementStatus) => connections > 0 && waiting.mode === "polling";
      return all.some((placement) => isPolled(placement.status())) ? "polling" : "notified";
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A database that listens and does not answer is given up after this time, and tried again. */
const ATTEMPT_MS_MAX = 2 * START_MS_MAX;

/** Waits for it, as long as nothing is known to be wrong with it. */
async function openMain(database: MainDatabase, config: Config, deps: PlacementsDeps): Promise<MainBackend> {
  const { clock, random, readiness, signal = new AbortController().signal } = deps;
  const { description, embedded } = database;
  const log = placementLog(deps.log, MAIN);
  const mayMigrate = config.migrate ?? embedded;
  const admit = (connection: Connection) => requireIdentity(MAIN, connection, (work) => work(connection));
  const open = (limited: AbortSignal) =>
    openMainBackend(database, mayMigrate, config, { ...deps, log, admit, signal: limited });
  readiness.setPlacement(MAIN, "down");
  return untilThere(() => limitedUnless(mayMigrate, { clock, signal }, open), {
    ...{ database: description, waitMs: embedded ? 0 : config.databaseWaitMs },
    ...{ clock, random, log, signal },
  });
}

/** One attempt. A migration may take its time. */
function limitedUnless<T>(
  mayMigrate: boolean,
  deps: TimeLimitDeps,
  open: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return mayMigrate ? open(deps.signal) : withTimeLimit(ATTEMPT_MS_MAX, deps, open);
}

/** Of two placements that are one database the later one is refused, so that no tenant's records are told as two clusters'. */
function openLater(
  { name, source }: NamedSource,
  earlier: readonly NamedSource[],
  config: Config,
  deps: BackendDeps & { readonly main: Run },
): PlacedBackend {
  const { clock, random, main } = deps;
  const log = placementLog(deps.log, name);
  const mayMigrate = config.migrate ?? false;

  const open = async (limits: TimeLimitDeps) => {
    const same = await findSameDatabase(source, earlier, limits);
    if (same !== null) {
      throw new OperatorError(
        `it is the same database as the placement ${same}: records and tenants would be counted twice`,
      );
    }
    const admit = (connection: Connection) => requireIdentity(name, connection, main);
    return openBackend(source, mayMigrate, config, { ...deps, log, admit, signal: limits.signal });
  };

  return createLateBackend({
    ...{ listenUrl: source.listenUrl, clock, log, random },
    open: (signal) => limitedUnless(mayMigrate, { clock, signal }, (limited) => open({ clock, signal: limited })),
  });
}

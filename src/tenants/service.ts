import type { Clock } from "../clock.ts";
import { Fault, type FaultCode } from "../domain/fault.ts";
import type { Instant } from "../domain/instant.ts";
import type { TenantRegistration, Verdict } from "../domain/registration.ts";
import type { TenantHealth, TenantSelector } from "../domain/tenant.ts";
import type { ChangeFeed } from "./change-feed.ts";
import type { Phase, RegistryObserver } from "./registry/deps.ts";
import { TenantRegistry } from "./registry.ts";
import type { TenantRuntime } from "./runtime.ts";
import { createAbsent } from "./service/absent.ts";
import { createEditions } from "./service/editions.ts";
import { createEntering } from "./service/entering.ts";
import { createFollowing } from "./service/following.ts";
import { createHolding, named } from "./service/holding.ts";
import { createIssuers } from "./service/issuers.ts";
import { TENANT_SERVICE_LIMITS, type TenantServiceLimits } from "./service/limits.ts";
import { createLookups } from "./service/lookups.ts";
import { createNames } from "./service/names.ts";
import { createRows } from "./service/rows.ts";
import { within } from "./service/within.ts";
import type { Change, HealthState, TenantTable } from "./table.ts";
import type { Tenants } from "./tenants.ts";

/** The tenants of the table, as this server serves them. */
export interface TenantService extends Tenants {
  /**
   * The id of the tenant that registered this issuer for this subject, as `find` has it; for the authenticator, which
   * tells nobody. Throws as `find`.
   */
  findIssuer(issuer: string, subject: string, deadline: number): Promise<string | null>;
  /** Builds the eager tenants in the background, and lets go of idle ones from then on. Does not wait for anything. */
  start(): void;
  /**
   * To be called after a change of a tenant through this server. Resolves when it holds here: nothing that was built
   * before it serves any more, unless what it asks for cannot be built here. When it throws, as `TenantTable` does or what
   * a build threw that passes, the change is followed all the same.
   */
  changed(id: string): Promise<void>;
  /**
   * Builds and validates it now, and answers with the health that holds then; null when there is no such tenant. Throws
   * what the validator or the build threw, `Fault` TENANT_CHANGED when it was changed meanwhile, and as `TenantTable`.
   */
  recheck(id: string, change: Change): Promise<HealthState | null>;
  /** What this server has of it; cold as well when there is none. */
  stateOf(id: string): Phase;
  /** The health that holds here and not elsewhere, because its build failed here; null otherwise. */
  failureOf(id: string): HealthState | null;
  status(): TenantServiceStatus;
  /** Runtimes are disposed of; calls in flight keep theirs. */
  close(): void;
}

export interface TenantServiceStatus {
  /** Known here. */
  readonly registered: number;
  readonly built: number;
  readonly healths: Readonly<Record<TenantHealth, number>>;
}

export interface TenantServiceDeps {
  readonly table: TenantTable;
  readonly feed: Pick<ChangeFeed, "subscribe" | "started">;
  readonly clock: Clock;
  /** Wall time. */
  readonly now: () => Instant;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** `Fault` STORE_UNAVAILABLE, DEADLINE_EXCEEDED and OVERLOADED pass: the next call builds again. What else it throws disables here. */
  readonly build: (registration: TenantRegistration, signal: AbortSignal) => Promise<TenantRuntime>;
  /** Must not throw. */
  readonly dispose: (runtime: TenantRuntime) => void;
  readonly validate: (registration: TenantRegistration, signal: AbortSignal) => Promise<Verdict>;
  readonly observer: RegistryObserver;
  readonly limits?: Partial<TenantServiceLimits>;
}

const NEVER = Number.POSITIVE_INFINITY;
const BY_SERVER: Change = { actor: "server", reason: "" };
const TIDY_MS = 60_000;

/**
 * Joins the table, which holds for all servers, the feed of its changes, and the registry, which holds what is known and
 * built here.
 *
 * ```
 *  enter ──▶ registry ── known ──▶ built with the first call
 *               ▲  └─ unknown ─▶ row ─┐
 *               └───────── applied ◀──┤
 *  feed  ──▶ known here, or eager ─▶ row, again until it is read
 *  find  ──▶ names as the table said, until somebody's names change
 * ```
 */
export function createTenantService(deps: TenantServiceDeps): TenantService {
  const { table, clock } = deps;
  const limits = { ...TENANT_SERVICE_LIMITS, ...deps.limits };
  const stopping = new AbortController();
  const { signal } = stopping;
  const rechecks = new Map<string, Change>();
  const lookups = createLookups(clock, limits);
  const registry = new TenantRegistry<TenantRuntime>({
    ...named(deps),
    ...{ clock, now: deps.now, dispose: deps.dispose, observer: deps.observer, isPassing },
    async commit({ id, generation, event }) {
      const health = await table.judge(id, generation, event, rechecks.get(id) ?? BY_SERVER);
      following.reread(id);
      return health;
    },
  });
  const absent = createAbsent(clock, limits);
  const holding = createHolding({ registry, clock, limits });
  const editions = createEditions();
  const find = (selector: TenantSelector) => table.find(selector, NEVER);
  // Each with a rate of its own: who may guess hosts, or think up issuers, must not keep others from their tenants.
  const names = createNames({ ...limits, editions, find, lookups: createLookups(clock, limits) });
  const issuers = createIssuers({ limits, editions, find, lookups: createLookups(clock, limits) });
  const rows = createRows({
    read: (id) => table.read(id, NEVER),
    apply(id, row, isWanted) {
      if (signal.aborted) return;
      following.outdate(id);
      if (row === null) {
        registry.unregister(id);
        if (!isWanted) return;
        lookups.charge();
        absent.add(id);
      } else if (isWanted || row.registration.eager || registry.health(id) !== null) {
        holding.hold(row);
      }
    },
  });
  const entering = createEntering({ registry, rows, absent, lookups, clock, limits });
  const following = createFollowing({
    ...{ ...deps, registry, rows, holding, signal, limits },
    onNamesChanged(id) {
      editions.turn();
      if (id === null) absent.clear();
      else absent.delete(id);
    },
  });

  const tidy = async () => {
    for (;;) {
      await clock.sleep(TIDY_MS, signal);
      holding.tidy();
    }
  };

  return {
    enter: entering.enter,
    find: (selector, deadline) => within(names.find(selector), deadline, clock),
    findIssuer: (issuer, subject, deadline) => within(issuers.find(issuer, subject), deadline, clock),
    start() {
      following.start();
      tidy().catch(() => undefined);
    },
    changed: following.changed,
    async recheck(id, change) {
      if ((await rows.read(id, true)) === null) return null;
      rechecks.set(id, change);
      try {
        return await registry.recheck(id);
      } finally {
        if (rechecks.get(id) === change) rechecks.delete(id);
      }
    },
    stateOf: (id) => registry.state(id)?.phase ?? "cold",
    failureOf(id) {
      const state = registry.state(id);
      return state?.phase === "failed" ? state.health : null;
    },
    status: () => statusOf(registry),
    close() {
      stopping.abort(new Error("the server stops"));
      following.stop();
      registry.close();
    },
  };
}

function statusOf(registry: TenantRegistry<TenantRuntime>): TenantServiceStatus {
  const healths = { pending: 0, healthy: 0, unverified: 0, disabled: 0 };
  let built = 0;
  for (const { health, phase } of registry.snapshot()) {
    healths[health.health]++;
    if (phase === "built") built++;
  }
  return { registered: registry.size, built, healths };
}

/** The database was away, or had too much to do; the tenant is not at fault. */
const PASSING: ReadonlySet<FaultCode> = new Set<FaultCode>(["STORE_UNAVAILABLE", "DEADLINE_EXCEEDED", "OVERLOADED"]);

function isPassing(error: unknown): boolean {
  if (error instanceof Fault) return PASSING.has(error.code);
  return error instanceof Error && error.name === "AbortError";
}

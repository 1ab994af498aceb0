import pg from "pg";
import { type Clock, systemClock } from "../../../src/clock.ts";
import type { TenantRegistration, Verdict } from "../../../src/domain/registration.ts";
import { DEFAULT_POLICY, UNLIMITED } from "../../../src/domain/tenant.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { type Connection, openSession } from "../../../src/store/postgres/connection.ts";
import { createDatabase } from "../../../src/store/postgres/database.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import type { ChangeFeed, RegistryChange } from "../../../src/tenants/change-feed.ts";
import { openPostgresChangeFeed } from "../../../src/tenants/postgres/change-feed.ts";
import { createPostgresTenantTable } from "../../../src/tenants/postgres/tenant-table.ts";
import { plainRuntime, type TenantRuntime } from "../../../src/tenants/runtime.ts";
import type { TenantServiceLimits } from "../../../src/tenants/service/limits.ts";
import { createTenantService, type TenantService } from "../../../src/tenants/service.ts";
import type { Change, TenantTable } from "../../../src/tenants/table.ts";
import { freshToken, NOW } from "../../support/records.ts";
import { waitAlone } from "../../support/waiting.ts";

export const NEVER = Number.POSITIVE_INFINITY;
export const BY: Change = { actor: "api-key:test", reason: "because" };

/** A tenant with nothing but its id. */
export function registrationOf(id: string, declared: Partial<TenantRegistration> = {}): TenantRegistration {
  return {
    ...{ id, displayName: "", hosts: [], issuers: [], agentUrl: "", validator: { kind: "none" }, eager: false },
    ...{ limits: UNLIMITED, policy: DEFAULT_POLICY, placement: "main", encrypted: false },
    serveStates: ["healthy", "unverified"],
    ...declared,
  };
}

let ids = 0;
export function newId(): string {
  return `tenant-${++ids}`;
}

/** Looks again and again; what is waited for happens elsewhere. The test's own limit bounds it. */
export async function until(holds: () => unknown): Promise<void> {
  while (!(await holds())) await systemClock.sleep(5);
}

/** Connections to one database, as one server has them. */
export interface Lent extends AsyncDisposable {
  readonly run: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
  /** Names of the statements that were run, in order. */
  readonly statements: string[];
  /** While set, nothing is lent. */
  isAway: boolean;
  /** Called before each statement. */
  before: (statement: string) => Promise<void> | void;
}

export async function lend(url: string, lanes = 1): Promise<Lent> {
  const database = createDatabase({ url, clock: systemClock, random: Math.random });
  const group = database.lanes(lanes);
  await database.opened();
  let turns = 0;
  const lent: Lent = {
    statements: [],
    isAway: false,
    before: () => undefined,
    run: (work) =>
      group.run(turns++ % lanes, (connection) => {
        if (lent.isAway) throw Object.assign(new pg.DatabaseError("away", 0, "error"), { code: "08006" });
        return work({
          async query<Row>(statement: { readonly name: string; readonly text: string }, values: readonly unknown[]) {
            lent.statements.push(statement.name);
            await lent.before(statement.name);
            return connection.query<Row>(statement, values);
          },
        });
      }),
    [Symbol.asyncDispose]: () => database.close(),
  };
  // The durability barrier comes first.
  await until(() => lent.run((connection) => connection.query({ name: "", text: "select" }, [])).then(...YES_OR_NO));
  lent.statements.length = 0;
  return lent;
}

const YES_OR_NO = [() => true, () => false] as const;

export function feedOver(lent: Lent, listenUrl: string, clock: Clock = systemClock): ChangeFeed {
  return openPostgresChangeFeed({
    ...{ run: lent.run, clock, random: Math.random, log: silentLog },
    open: (onNotification) => openSession({ url: listenUrl, clock: systemClock, onNotification }),
  });
}

/** Hears everything that a feed tells. */
export function hear(feed: ChangeFeed) {
  const heard = { changes: [] as RegistryChange[], losses: 0 };
  feed.subscribe({
    onChange: (change) => void heard.changes.push(change),
    onLost: () => void heard.losses++,
  });
  return heard;
}

export interface Server extends AsyncDisposable {
  readonly table: TenantTable;
  readonly feed: ChangeFeed;
  readonly service: TenantService;
  readonly lent: Lent;
  readonly builds: string[];
  readonly disposed: TenantRuntime[];
}

export interface ServerOptions {
  readonly listenUrl?: string;
  readonly limits?: Partial<TenantServiceLimits>;
  readonly build?: (registration: TenantRegistration, signal: AbortSignal) => Promise<void>;
  readonly validate?: (registration: TenantRegistration) => Promise<Verdict>;
}

/** What one server has for tenants; its runtimes serve from memory. */
export async function openServer(url: string, options: ServerOptions = {}): Promise<Server> {
  const { listenUrl = url, limits = {}, build, validate = async () => ({ kind: "accepted" }) } = options;
  const lent = await lend(url);
  const table = createPostgresTenantTable({ run: lent.run, change: lent.run, clock: systemClock });
  const feed = feedOver(lent, listenUrl);
  const builds: string[] = [];
  const disposed: TenantRuntime[] = [];
  const store = createMemoryStore({ now: () => NOW, newToken: freshToken });
  const service = createTenantService({
    ...{ table, feed, limits, clock: systemClock, now: () => NOW, random: Math.random },
    async build(registration, signal) {
      builds.push(registration.id);
      await build?.(registration, signal);
      return plainRuntime(waitAlone({ store, clock: systemClock }));
    },
    dispose: (runtime) => void disposed.push(runtime),
    validate: (registration) => validate(registration),
    observer: { built() {}, transition() {}, undecided() {}, failed() {} },
  });
  await feed.started;
  await until(() => listenUrl !== url || feed.status().isListening);
  return {
    ...{ table, feed, service, lent, builds, disposed },
    async [Symbol.asyncDispose]() {
      service.close();
      await feed[Symbol.asyncDispose]();
      await lent[Symbol.asyncDispose]();
    },
  };
}

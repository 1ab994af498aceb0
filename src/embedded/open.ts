import { randomBytes } from "node:crypto";
import { anonymous } from "../auth/authenticator.ts";
import { systemClock, wallClockMs } from "../clock.ts";
import { createEndpoints } from "../rpc/endpoints.ts";
import { silentRpcObserver } from "../rpc/observer.ts";
import { silentObserver } from "../store/observer.ts";
import { type DatabaseAddress, openSession } from "../store/postgres/connection.ts";
import type { Run } from "../store/postgres/run.ts";
import type { MasterKeys } from "../store/sealed/master-keys.ts";
import { createSealing, NO_SEALING } from "../store/sealed/sealing.ts";
import { createSweeper } from "../store/sweeper.ts";
import type { Log } from "../telemetry/log.ts";
import { noTracing } from "../telemetry/tracing.ts";
import { openPostgresChangeFeed } from "../tenants/postgres/change-feed.ts";
import { createRuntimes, type RecordPlace, type RuntimesDeps } from "../tenants/postgres/runtimes.ts";
import { createPostgresTenantTable } from "../tenants/postgres/tenant-table.ts";
import { createMeasuring } from "../tenants/quota/measuring.ts";
import type { RegistryObserver } from "../tenants/registry/deps.ts";
import { createTenantService, type TenantService } from "../tenants/service.ts";
import { createGuardedFetch } from "../tenants/validators/guarded-fetch.ts";
import { createValidate } from "../tenants/validators/validate.ts";
import { silentWaitingObserver } from "../waiting/observer.ts";
import { LISTEN_ANSWER_MS_MAX, openWaiting } from "../waiting/postgres/waiting.ts";
import { type DatabaseOptions, openDatabase } from "./database.ts";
import { createLocalTransport, type LocalTransport } from "./local-transport.ts";

export interface OpenOptions extends DatabaseOptions {
  readonly masterKeys: MasterKeys | null;
  readonly log: Log;
}

/** All that a server is but for its ports, on one database. */
export interface Opened extends AsyncDisposable {
  readonly transport: LocalTransport;
  /** Whether such a tenant is registered. */
  hasTenant(id: string): Promise<boolean>;
  /** Lets those who wait go, and admits nobody any more. */
  drain(): void;
}

/** Any number of processes sweep at once, and there may be many. */
const SWEEP_INTERVAL_MS = 30_000;
const SWEEP_RECORDS_MAX = 500;

/** Of how long a look-up of a tenant may take at the start. */
const TENANT_MS_MAX = 15_000;

const MAIN = "main";

export async function open(options: OpenOptions): Promise<Opened> {
  const { masterKeys, log } = options;
  const clock = systemClock;
  const random = Math.random;
  const newToken = () => new Uint8Array(randomBytes(16));
  await using opening = new AsyncDisposableStack();

  const database = opening.use(await openDatabase(options, { clock, random, newToken, log }));
  const { run, notifications, databaseNow } = database;
  const sealing =
    masterKeys === null ? NO_SEALING : createSealing(masterKeys, { clock, log, unopenable: () => undefined });
  const plain = sealing.decorate(database.store, MAIN, run);
  const sweeper = createSweeper({
    ...{ store: plain, clock, random, databaseNow, observer: silentObserver },
    ...{ intervalMs: SWEEP_INTERVAL_MS, limit: SWEEP_RECORDS_MAX },
    onError: (error) => log.warn({ error }, "a pass of the sweeper failed"),
  });
  opening.defer(() => sweeper.stop());
  const { store, hub } = opening.use(
    openWaiting({ store: plain, notifications, observer: silentWaitingObserver, clock, log, random }),
  );

  const place = { store, hub, measure: run };
  const tenants = openTenants({ clock, random, log, run, place, sealing, listen: notifications.listen, opening });
  const endpoints = createEndpoints({
    ...{ tenants, clock, random, newToken, tracing: noTracing },
    ...{ authenticator: anonymous, observer: silentRpcObserver, waiting: silentWaitingObserver },
    admission: () => null,
  });
  const transport = createLocalTransport({ endpoints, clock, random });
  opening.defer(() => transport.close());
  sweeper.start();

  const opened = opening.move();
  return {
    transport,
    hasTenant: async (id) => (await tenants.enter(id, clock.monotonicMs() + TENANT_MS_MAX)) !== null,
    drain: () => hub.drain(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

interface TenantsDeps extends Omit<RuntimesDeps, "placements" | "measuring"> {
  readonly random: () => number;
  readonly log: Log;
  readonly run: Run;
  readonly place: RecordPlace;
  /** How to connect past any pooler. */
  readonly listen: () => DatabaseAddress;
  readonly opening: AsyncDisposableStack;
}

/** As they are registered, with their limits, and as they change. */
function openTenants({ clock, random, log, run, place, sealing, listen, opening }: TenantsDeps): TenantService {
  const table = createPostgresTenantTable({ run, change: run, clock });
  const openListener = async (onNotification: () => void) =>
    openSession({ ...listen(), clock, onNotification, answerTimeoutMs: LISTEN_ANSWER_MS_MAX });
  const feed = opening.use(openPostgresChangeFeed({ run, open: openListener, clock, random, log }));
  const measuring = opening.use(
    createMeasuring({ clock, random, onError: (error) => log.warn({ error }, "a tenant's usage was not measured") }),
  );
  const placements = { of: (name: string) => (name === MAIN ? place : null) };
  const service = createTenantService({
    ...{ table, feed, clock, random, ...createRuntimes({ placements, sealing, measuring, clock }) },
    now: () => wallClockMs() * 1000,
    validate: createValidate({ fetch: createGuardedFetch({ clock, allowLoopback: false, ports: [] }) }),
    observer: SILENT,
  });
  opening.defer(() => service.close());
  service.start();
  return service;
}

const SILENT: RegistryObserver = { built() {}, transition() {}, undecided() {}, failed() {} };

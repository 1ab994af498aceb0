import { randomBytes } from "node:crypto";
import { type Clock, wallClockMs } from "../clock.ts";
import type { DeclarationTerms } from "../operations/admin/tenants/declaration.ts";
import { createAdminEndpoints } from "../rpc/admin/endpoints.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import type { PipelineDeps } from "../rpc/pipeline.ts";
import { openSession } from "../store/postgres/connection.ts";
import type { Sealing } from "../store/sealed/sealing.ts";
import { logRecordChanges, logTenantChanges } from "../telemetry/change-log.ts";
import { type CountChange, countTenantChanges } from "../telemetry/change-metrics.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import {
  addChangeFeedGauges,
  addTenantGauges,
  countValidations,
  createTenantMetrics,
} from "../telemetry/tenant-metrics.ts";
import type { ChangeFeed } from "../tenants/change-feed.ts";
import { openPostgresChangeFeed } from "../tenants/postgres/change-feed.ts";
import { createRuntimes } from "../tenants/postgres/runtimes.ts";
import { createPostgresTenantTable } from "../tenants/postgres/tenant-table.ts";
import { createMeasuring } from "../tenants/quota/measuring.ts";
import { createTenantService, type TenantService } from "../tenants/service.ts";
import { createGuardedFetch, type GuardedFetch } from "../tenants/validators/guarded-fetch.ts";
import { createValidate } from "../tenants/validators/validate.ts";
import { LISTEN_ANSWER_MS_MAX } from "../waiting/postgres/waiting.ts";
import type { Access } from "./access.ts";
import type { Config } from "./config.ts";
import type { Placements } from "./placement.ts";

/** The tenants of a server: where they are kept, how changes arrive, what is built for each. */
export interface Tenancy extends AsyncDisposable {
  readonly service: TenantService;
  readonly feed: ChangeFeed;
  /** For addresses that tenants have registered. */
  readonly fetch: GuardedFetch;
  /** Those of AdminService. */
  endpoints(deps: PipelineDeps & Pick<Access, "apiKeys" | "onRevoked">): readonly Endpoint[];
}

export interface TenancyDeps {
  readonly placements: Placements;
  readonly sealing: Sealing;
  readonly metrics: Metrics;
  readonly countChange: CountChange;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly signal?: AbortSignal;
}

/** Reads no tenant, whatever their number; applies the tenants file. */
export async function openTenancy(config: Config, deps: TenancyDeps): Promise<Tenancy> {
  const { placements, sealing, metrics, clock, log, random } = deps;
  const { run, change, follow, listen } = placements.main;
  await using opening = new AsyncDisposableStack();
  const logged = logTenantChanges(createPostgresTenantTable({ run, change, clock }), log);
  const table = countTenantChanges(logged, deps.countChange);
  const fetch = createGuardedFetch({ clock, allowLoopback: config.validatorLoopback, ports: portsOf(config) });
  const validate = countValidations(createValidate({ fetch }), metrics);
  const terms = termsOf(config, sealing);
  if (config.tenantsFile !== null) {
    const { applyTenantsFile } = await import("./tenants-file.ts");
    await applyTenantsFile(config.tenantsFile, { ...deps, table, terms, validate });
  }

  const open = async (onNotification: () => void) =>
    openSession({ ...listen(), clock, onNotification, answerTimeoutMs: LISTEN_ANSWER_MS_MAX });
  const feed = opening.use(openPostgresChangeFeed({ run: follow, open, clock, random, log }));
  const measuring = opening.use(
    createMeasuring({ clock, random, onError: (error) => log.warn({ error }, "a tenant's usage was not measured") }),
  );
  const runtimes = createRuntimes({ placements, sealing, measuring, clock });
  const service = createTenantService({
    ...{ table, feed, clock, random, validate, ...runtimes },
    now: () => wallClockMs() * 1000,
    observer: createTenantMetrics({ metrics, log }),
  });
  opening.defer(() => service.close());
  addTenantGauges(metrics, service.status);
  addChangeFeedGauges(metrics, feed.status);
  service.start();

  const opened = opening.move();
  return {
    ...{ service, feed, fetch },
    endpoints: ({ apiKeys, onRevoked, ...pipeline }) =>
      createAdminEndpoints({
        ...{ ...pipeline, table, terms, validate, apiKeys, randomBytes, tenants: service },
        changed: onRevoked,
        recordChanges: logRecordChanges(log),
        onError: (error) =>
          log.warn({ error }, "something behind a change of a tenant failed; the change itself is made"),
      }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function portsOf({ validatorPort }: Pick<Config, "validatorPort">): readonly number[] {
  return [validatorPort];
}

/** What is allowed of registrations here. */
export function termsOf(
  config: Pick<Config, "placements" | "validatorLoopback" | "validatorPort">,
  { hasMasterKey }: Pick<Sealing, "hasMasterKey">,
): DeclarationTerms {
  return {
    placements: ["main", ...(config.placements ?? []).map(({ name }) => name)],
    hasMasterKey,
    reach: { loopback: config.validatorLoopback, private: false, ports: portsOf(config) },
  };
}

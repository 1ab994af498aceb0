import { createApiKeyAuthenticator } from "../auth/api-key.ts";
import type { ApiKeyTable } from "../auth/api-keys.ts";
import { type Authenticator, anonymous } from "../auth/authenticator.ts";
import { createCertificateAuthenticator } from "../auth/certificate.ts";
import { createAuthenticator } from "../auth/chain.ts";
import type { ConfiguredIssuer, RegisteredIssuers } from "../auth/jwt/trust.ts";
import { createPostgresApiKeys } from "../auth/postgres/api-keys.ts";
import { rememberOnStreams } from "../auth/stream-principals.ts";
import { type Clock, wallClockMs } from "../clock.ts";
import type { Run } from "../store/postgres/run.ts";
import { logApiKeyChanges } from "../telemetry/change-log.ts";
import { type CountChange, countApiKeyChanges } from "../telemetry/change-metrics.ts";
import { createKeySetMetrics } from "../telemetry/key-set-metrics.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { ChangeFeed } from "../tenants/change-feed.ts";
import type { TenantService } from "../tenants/service.ts";
import { createGuardedFetch, type GuardedFetch } from "../tenants/validators/guarded-fetch.ts";
import { resolveBySystem } from "../tenants/validators/resolve.ts";
import type { Config } from "./config.ts";

/** Who may call. */
export interface Access extends Disposable {
  readonly authenticator: Authenticator;
  readonly apiKeys: ApiKeyTable;
  /** To be told of a key that was revoked here; of others the feed tells. */
  readonly onRevoked: (id: string) => void;
}

export interface AccessDeps {
  /** Lend connections to the main cluster: for looking up, and for changes. */
  readonly run: Run;
  readonly change: Run;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly countChange: CountChange;
  readonly tenants: Pick<TenantService, "enter" | "findIssuer">;
  readonly feed: Pick<ChangeFeed, "subscribe">;
  /** For addresses that tenants have registered. */
  readonly fetch: GuardedFetch;
}

/** What reads tokens is loaded only where tokens are read. */
export async function openAccess(config: Config, deps: AccessDeps): Promise<Access> {
  const { run, change, clock, log, metrics, feed } = deps;
  const logged = logApiKeyChanges(createPostgresApiKeys({ run, change, clock }), log);
  const apiKeys = countApiKeyChanges(logged, deps.countChange);
  const keySets = createKeySetMetrics({ metrics, clock, log });
  if (config.auth === null) {
    return { authenticator: anonymous, apiKeys, onRevoked() {}, [Symbol.dispose]() {} };
  }
  const now = () => wallClockMs() * 1000;
  const byKey = createApiKeyAuthenticator({ table: apiKeys, clock, now });
  const leave = feed.subscribe({
    onChange({ kind, subject, action }) {
      if (kind === "api-key") byKey.changed(subject);
      else if (action === "unregister") byKey.tenantChanged(subject);
    },
    onLost: byKey.lost,
  });
  const { certificateTenant: pattern, certificateRoles: roles } = config;
  const authenticator = createAuthenticator({
    ...(config.auth.includes("api-key") && { apiKeys: byKey }),
    ...(config.auth.includes("jwt") && {
      jwt: (await import("../auth/jwt.ts")).createJwt({
        ...{ clock, wallClockMs, observer: keySets, algorithms: config.jwtAlgorithms },
        configured: configuredIssuer(config, clock),
        registered: registered(deps),
      }),
    }),
    ...(config.auth.includes("mtls") &&
      pattern && { certificates: createCertificateAuthenticator({ pattern, roles }) }),
  });
  return {
    authenticator: rememberOnStreams({ authenticator, clock }),
    apiKeys,
    onRevoked: byKey.changed,
    [Symbol.dispose]: leave,
  };
}

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/** The operator's own choice: its keys may be on a private network. */
function configuredIssuer(config: Config, clock: Clock): ConfiguredIssuer | null {
  const { jwtIssuer: issuer, jwtAudience: audience, jwtJwksUrl: jwksUrl } = config;
  if (issuer === null || audience === null || jwksUrl === null) return null;
  const { port, protocol } = new URL(jwksUrl);
  const ports = [port === "" ? (protocol === "http:" ? HTTP_PORT : HTTPS_PORT) : Number(port)];
  const fetch = createGuardedFetch({ clock, resolve: resolveBySystem, allowLoopback: true, allowPrivate: true, ports });
  const { jwtTenantClaim: tenantClaim, jwtRolesClaim: rolesClaim } = config;
  return { issuer, audience, jwksUrl, tenantClaim, rolesClaim, fetch };
}

/** The exact subject before any subject, as `TenantService.findIssuer` has it. */
function registered({ tenants, fetch }: AccessDeps): RegisteredIssuers {
  return {
    fetch,
    async trusted(issuer, subject, deadline) {
      const tenant = await tenants.findIssuer(issuer, subject, deadline);
      const entered = tenant === null ? null : await tenants.enter(tenant, deadline);
      const own = entered?.runtime?.issuers.filter((trust) => trust.issuer === issuer) ?? [];
      const trust = own.find((each) => each.subject === subject) ?? own.find((each) => each.subject === "");
      if (tenant === null || trust === undefined || trust.jwksUrl === "") return null;
      return { tenant, audience: trust.audience, jwksUrl: trust.jwksUrl };
    },
  };
}

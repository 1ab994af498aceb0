import type { HostPath, TenantRegistration } from "../../domain/registration.ts";

/** `$1` to `$3` of register-tenant.sql and update-tenant.sql: columns by name, as JSON. */
export function registrationArguments(registration: TenantRegistration): readonly [string, string, string] {
  return [JSON.stringify(columnsOf(registration)), hostsArgument(registration), issuersArgument(registration)];
}

/** Each host and path once: to declare one twice declares it. */
export function hostsArgument({ hosts }: TenantRegistration): string {
  const byName = new Map(hosts.map(({ host, path }): [string, HostPath] => [host + path, { host, path }]));
  return JSON.stringify([...byName.values()]);
}

function issuersArgument({ issuers }: TenantRegistration): string {
  return JSON.stringify(issuers.map(({ jwksUrl, ...rest }) => ({ ...rest, jwks_url: jwksUrl })));
}

/** Whole numbers beyond 2^53 travel as text. */
function columnsOf({ limits, policy, validator, ...declared }: TenantRegistration) {
  return {
    id: declared.id,
    display_name: declared.displayName,
    agent_url: declared.agentUrl,
    validator: validator.kind,
    validator_url: validator.kind === "none" ? "" : validator.url,
    eager: declared.eager,
    serve_states: declared.serveStates,
    placement: declared.placement,
    encrypted: declared.encrypted,
    new_records_per_second: limits.newRecordsPerSecond,
    new_records_burst: limits.newRecordsBurst,
    live_records: String(limits.liveRecords),
    stored_bytes: String(limits.storedBytes),
    leases: limits.leases,
    waiters: limits.waiters,
    hold: policy.hold,
    max_attempts: policy.maxAttempts,
    max_execution_ms: policy.maxExecutionMs,
    result_retention_ms: policy.resultRetentionMs,
    tombstone_retention_ms: policy.tombstoneRetentionMs,
  };
}

/**
 * What the audit log says of a registration. Addresses are left out: they may hold credentials.
 */
export function registrationDetail(registration: TenantRegistration): string {
  const { agent_url: _, validator_url: __, ...columns } = columnsOf(registration);
  return JSON.stringify({
    ...columns,
    hosts: registration.hosts.map(({ host, path }) => `${host}${path}`),
    issuers: registration.issuers.map(({ issuer, subject, audience }) => ({ issuer, subject, audience })),
  });
}

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  TenantBuild,
  type TenantRegistration as TenantRegistrationProto,
  TenantRegistrationSchema,
  TenantRuntime,
  TenantSchema,
} from "../../../gen/holdfast/v1/admin_pb.ts";
import type { TenantHealth as TenantHealthProto } from "../../../gen/holdfast/v1/tenant_pb.ts";
import type { Policy } from "../../domain/record.ts";
import type { TenantRegistration, Validator } from "../../domain/registration.ts";
import { type TenantHealth, UNLIMITED } from "../../domain/tenant.ts";
import type { Declaration } from "../../operations/admin/tenants/declaration.ts";
import type { RuntimeState, TenantView } from "../../operations/admin/tenants/view.ts";
import { ADMISSIONS, leaseExpiryPolicy, TENANT_HEALTHS } from "./enums.ts";
import { policyOf } from "./request.ts";
import { toDuration, toTimestamp } from "./time.ts";

/** A registration that validation has let through. */
export function declarationOf(registration: TenantRegistrationProto | undefined): Declaration {
  if (registration === undefined) throw new Error("bug: validation lets no request without registration through");
  const { tenantId, displayName, hosts, issuers, agentUrl, validator, build, limits, placement } = registration;
  return {
    id: tenantId,
    displayName,
    hosts: hosts.map(({ host, path }) => ({ host, path })),
    issuers: issuers.map(({ issuer, subject, audience, jwksUrl }) => ({ issuer, subject, audience, jwksUrl })),
    agentUrl,
    validator: validatorOf(validator),
    eager: build === TenantBuild.EAGER,
    limits: limits === undefined ? UNLIMITED : limitsOf(limits),
    policy: policyOf(registration.defaultPolicy) ?? {},
    placement,
    serveStates: registration.serveStates.map(healthOf),
    encrypted: registration.encrypted ?? null,
  };
}

export function toTenant({ stored, admission, runtime }: TenantView): MessageInitShape<typeof TenantSchema> {
  const { registration, generation, health, draining, createTime, updateTime } = stored;
  return create(TenantSchema, {
    registration: toRegistration(registration),
    generation,
    health: TENANT_HEALTHS[health.health],
    healthReason: health.reason,
    healthSince: toTimestamp(health.since),
    draining,
    admission: ADMISSIONS[admission],
    createTime: toTimestamp(createTime),
    updateTime: toTimestamp(updateTime),
    runtime: RUNTIMES[runtime],
  });
}

export function toRegistration(registration: TenantRegistration): TenantRegistrationProto {
  const { id, hosts, issuers, validator, eager, limits, policy, serveStates, ...others } = registration;
  return create(TenantRegistrationSchema, {
    ...others,
    tenantId: id,
    hosts: [...hosts],
    issuers: [...issuers],
    ...(validator.kind !== "none" && { validator: { kind: toValidatorKind(validator) } }),
    build: eager ? TenantBuild.EAGER : TenantBuild.LAZY,
    limits,
    defaultPolicy: toPolicy(policy),
    serveStates: serveStates.map((state) => TENANT_HEALTHS[state]),
  });
}

const RUNTIMES = {
  cold: TenantRuntime.COLD,
  building: TenantRuntime.BUILDING,
  built: TenantRuntime.BUILT,
  failed: TenantRuntime.FAILED,
} as const satisfies Record<RuntimeState, TenantRuntime>;

const HEALTHS = new Map<TenantHealthProto, TenantHealth>(
  (["pending", "healthy", "unverified", "disabled"] as const).map((health) => [TENANT_HEALTHS[health], health]),
);

function healthOf(health: TenantHealthProto): TenantHealth {
  const known = HEALTHS.get(health);
  if (known === undefined) throw new Error("bug: validation lets no other health through");
  return known;
}

function validatorOf(validator: TenantRegistrationProto["validator"]): Validator {
  switch (validator?.kind.case) {
    case undefined:
      return { kind: "none" };
    case "httpUrl":
      return { kind: "http", url: validator.kind.value };
    case "jwksUrl":
      return { kind: "jwks", url: validator.kind.value };
  }
}

function toValidatorKind({ kind, url }: Exclude<Validator, { readonly kind: "none" }>) {
  return kind === "http" ? ({ case: "httpUrl", value: url } as const) : ({ case: "jwksUrl", value: url } as const);
}

function limitsOf(limits: NonNullable<TenantRegistrationProto["limits"]>): TenantRegistration["limits"] {
  const { newRecordsPerSecond, newRecordsBurst, liveRecords, storedBytes, leases, waiters } = limits;
  return { newRecordsPerSecond, newRecordsBurst, liveRecords, storedBytes, leases, waiters };
}

function toPolicy({ hold, maxAttempts, maxExecutionMs, resultRetentionMs, tombstoneRetentionMs }: Policy) {
  return {
    onLeaseExpiry: leaseExpiryPolicy(hold),
    maxAttempts,
    ...(maxExecutionMs !== null && { maxExecution: toDuration(maxExecutionMs) }),
    resultRetention: toDuration(resultRetentionMs),
    tombstoneRetention: toDuration(tombstoneRetentionMs),
  };
}

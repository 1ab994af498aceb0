import type { MessageInitShape } from "@bufbuild/protobuf";
import { AdminService, Role } from "../../../gen/holdfast/v1/admin_pb.ts";
import { FailKind, IdempotencyService, type LeaseHandle } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId } from "../callers.ts";
import { generic } from "./stand.ts";
import type { Method } from "./wires.ts";

const { claim, heartbeat, complete, fail, getRecord, waitFor, resolveTenant } = IdempotencyService.method;
const admin = AdminService.method;

export interface EveryCall {
  readonly method: Method;
  readonly init: MessageInitShape<never>;
}

/** What is claimed and held somewhere, or might be. */
export interface Named {
  readonly tenant: string;
  readonly handle: LeaseHandle;
  readonly host: string;
  readonly issuer: string;
  readonly keyId: string;
}

export const WAIT_FOR: Method = generic(waitFor as never);

/** A valid request of each method of both services, about one tenant. */
export function everyCall({ tenant, handle, host, issuer, keyId }: Named): readonly EveryCall[] {
  const key = { tenant, scope: handle.key?.scope ?? "s", key: handle.key?.key ?? "k" };
  const proof = { key, token: handle.token, fence: handle.fence };
  const result = { body: { case: "omittedReason", value: "" } };
  const registration = { tenantId: tenant };
  const calls: readonly (readonly [unknown, object])[] = [
    [claim, { key, claimId: newClaimId() }],
    [heartbeat, { handle: proof }],
    [complete, { handle: proof, result }],
    [fail, { handle: proof, kind: FailKind.TERMINAL }],
    [getRecord, { key, includeResult: true }],
    [waitFor, { targets: [{ key }] }],
    [resolveTenant, { selector: { case: "tenantId", value: tenant } }],
    [resolveTenant, { selector: { case: "host", value: { host } } }],
    [resolveTenant, { selector: { case: "issuer", value: { issuer, subject: "anybody" } } }],
    [admin.registerTenant, { registration }],
    [admin.updateTenant, { registration }],
    [admin.unregisterTenant, { tenantId: tenant }],
    [admin.recheckTenant, { tenantId: tenant }],
    [admin.drainTenant, { tenantId: tenant }],
    [admin.getTenant, { tenantId: tenant }],
    [admin.listTenants, {}],
    [admin.createApiKey, { tenantId: tenant, roles: [Role.CLAIM] }],
    [admin.revokeApiKey, { keyId }],
    [admin.listApiKeys, { tenantId: tenant }],
    [admin.listRecords, { tenantId: tenant }],
    [admin.getRecordTimeline, { key }],
    [admin.forceRelease, { key, reason: "why" }],
    [admin.resolveOutcome, { key, verdict: { case: "notDone", value: {} }, reason: "why" }],
    [admin.resetRecord, { key, reason: "why" }],
    [admin.purgeRecords, { tenantId: tenant, target: { case: "key", value: key }, reason: "why" }],
  ];
  return calls.map(([method, init]) => ({ method: method as Method, init: init as EveryCall["init"] }));
}

/** Of a tenant that there is not, with proofs of nothing. */
export function nobodys(tenant: string): Named {
  const handle = { key: { tenant, scope: "s", key: "k" }, token: new Uint8Array(16), fence: 1n } as LeaseHandle;
  return {
    ...{ tenant, handle, host: `${tenant}.example`, issuer: `https://${tenant}.example` },
    keyId: "AAAAAAAAAAAAAAAA",
  };
}

import { type Client, createClient } from "@connectrpc/connect";
import type { ChannelCredentials } from "@grpc/grpc-js";
import { AdminService, Role } from "../../../gen/holdfast/v1/admin_pb.ts";
import {
  ClaimIntent,
  FailKind,
  IdempotencyService,
  LeaseExpiryPolicy,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { createGrpcTransport } from "../../../src/client/grpc-transport.ts";
import { newKey } from "../../process/callers.ts";
import { claimOf, handleOf, type Key, LONG, seconds } from "../../process/waiting-calls.ts";

/** Both services of one server. */
interface Calls {
  readonly records: Client<typeof IdempotencyService>;
  readonly admin: Client<typeof AdminService>;
}

const RESULT = { result: { body: { case: "inline" as const, value: Buffer.from("done") } } };
const REASON = { reason: "traffic for the metrics" };

/** A little of everything that a server does, so that every metric has something to tell. */
export async function makeTraffic(address: string, credentials: ChannelCredentials): Promise<void> {
  const transport = createGrpcTransport({ addresses: [address], credentials });
  const calls = { records: createClient(IdempotencyService, transport), admin: createClient(AdminService, transport) };
  try {
    await Promise.all([doOnce(calls), failInAllWays(calls), takeOver(calls), holdAndResolve(calls), meetQuota(calls)]);
    await operate(calls);
  } finally {
    transport.close();
  }
}

async function doOnce({ records }: Calls): Promise<void> {
  const key = newKey();
  const handle = handleOf(await records.claim(claimOf(key)));
  const waiting = records.claim(claimOf(key, { wait: 30 }), LONG);
  const watching = Array.fromAsync(records.waitFor({ targets: [{ key }] }, LONG));
  await records.claim(claimOf(key));
  await records.heartbeat({ handle, lease: seconds(60), checkpoint: { data: Buffer.from("half"), sequence: 1n } });
  for (let i = 0; i < 2; i++) await records.complete({ handle, ...RESULT });
  await Promise.all([waiting, watching, records.getRecord({ key, includeResult: true })]);
  await records.heartbeat({ handle, lease: seconds(60) }).catch(() => undefined);
}

async function failInAllWays({ records }: Calls): Promise<void> {
  const kinds = [FailKind.RETRYABLE, FailKind.TERMINAL, FailKind.OUTCOME_UNKNOWN, FailKind.NOT_STARTED];
  for (const kind of kinds) {
    const key = newKey();
    await records.fail({ handle: handleOf(await records.claim(claimOf(key))), kind });
    await records.claim({ ...claimOf(key), intent: ClaimIntent.EXECUTE });
  }
}

/** One that waits is promoted when the lease is over, and whom it had belonged to is refused. */
async function takeOver({ records }: Calls): Promise<void> {
  const key = newKey();
  const first = handleOf(await records.claim(claimOf(key, { lease: 1 })));
  await records.complete({ handle: handleOf(await records.claim(claimOf(key, { wait: 30 }), LONG)), ...RESULT });
  await records.complete({ handle: first, ...RESULT }).catch(() => undefined);
}

async function holdAndResolve(calls: Calls): Promise<void> {
  const { records, admin } = calls;
  const [key, left] = [newKey(), newKey()];
  const held = { onLeaseExpiry: LeaseExpiryPolicy.HOLD };
  for (const each of [key, left]) await records.claim({ ...claimOf(each, { lease: 1 }), policy: held });
  await untilUnknown(calls, key);
  await records.claim({ ...claimOf(key), intent: ClaimIntent.RECONCILE });
  await admin.forceRelease({ key, ...REASON });
  await admin.resolveOutcome({ key, verdict: { case: "notDone", value: {} }, ...REASON });
  await admin.resetRecord({ key, ...REASON });
  await admin.purgeRecords({ target: { case: "key", value: key }, ...REASON });
}

async function untilUnknown({ records }: Calls, key: Key): Promise<void> {
  for (;;) {
    const { detail } = await records.claim(claimOf(key, { wait: 1 }));
    if (detail.case === "outcomeUnknown") return;
  }
}

async function meetQuota({ records, admin }: Calls): Promise<void> {
  const tenantId = `limited-${newKey().key}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "")
    .slice(0, 40);
  await admin.registerTenant({ registration: { tenantId, limits: { leases: 1 } }, ...REASON });
  const keyOfTenant = () => ({ ...newKey(), tenant: tenantId });
  for (let i = 0; i < 30; i++) await records.claim(claimOf(keyOfTenant())).catch(() => undefined);
}

async function operate({ admin }: Calls): Promise<void> {
  const { apiKey } = await admin.createApiKey({ roles: [Role.CLAIM] });
  await admin.revokeApiKey({ keyId: apiKey?.keyId ?? "", ...REASON });
  await admin.listRecords({ stuckOnly: true });
  await admin.listTenants({});
}

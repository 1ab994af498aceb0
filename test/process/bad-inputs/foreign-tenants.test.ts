import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, test } from "vitest";
import { RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { AdminService } from "../../../gen/holdfast/v1/admin_pb.ts";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { ResolveTenantRequestSchema } from "../../../gen/holdfast/v1/tenant_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import {
  as,
  EVERYTHING,
  newTenantId,
  ROLE_REQUIRED,
  refusesAs,
  said,
  TENANT_FORBIDDEN,
  unknownTenantId,
  useAccessStand,
} from "./access-stand.ts";
import type { Answer } from "./answer.ts";
import { everyCall, type Named, nobodys, WAIT_FOR } from "./every-call.ts";
import { row } from "./rows.ts";
import { acquire, CANARY, call, generic, leaseOf, livesOn, type Refusal, readRefusal } from "./stand.ts";
import { DISTINCT_WIRES, encode, type Wire } from "./wires.ts";

const { claim, complete, getRecord, resolveTenant } = IdempotencyService.method;
const { getTenant, listTenants } = AdminService.method;
const { stand, access } = useAccessStand();

type Selector = NonNullable<MessageInitShape<typeof ResolveTenantRequestSchema>["selector"]>;

/** A tenant that somebody else's credential must not find: with a live lease, a host, an issuer and a key. */
let other: Named;
let own: string;
let ownKey: string;

beforeAll(async () => {
  own = newTenantId();
  const tenant = newTenantId();
  const [host, issuer] = [`${tenant}.example`, `https://${tenant}.example`];
  await access.register({ tenantId: own });
  await access.register({
    ...{ tenantId: tenant, hosts: [{ host, path: "" }], displayName: CANARY },
    issuers: [{ issuer, subject: "", audience: "", jwksUrl: "" }],
  });
  ownKey = (await access.newKey(own, EVERYTHING)).secret;
  const { id, secret } = await access.newKey(tenant, EVERYTHING);
  const handle = await acquire(as(stand.wires.gRPC, secret), { key: newKey(CANARY) });
  other = { tenant, handle, host, issuer, keyId: id };
});

const OVERLOADED: Refusal = { code: "RESOURCE_EXHAUSTED", reason: "OVERLOADED" };
const KEY_NOT_FOUND: Refusal = { code: "NOT_FOUND", reason: "API_KEY_NOT_FOUND" };

function refusalOf(method: string): Refusal {
  if (method === "RevokeApiKey") return KEY_NOT_FOUND;
  return /^(Register|Update|Unregister)/.test(method) ? ROLE_REQUIRED : TENANT_FORBIDDEN;
}

describe.each(DISTINCT_WIRES)("%s", (name) => {
  test(`${row(31)}: each call is refused for one that is another's as for one that is nobody's, byte for byte`, async () => {
    const unknown = nobodys(unknownTenantId());
    const pairs = everyCall(other).map((each, index) => [each, everyCall(unknown)[index]] as const);
    for (const [{ method, init }, counterpart] of pairs) {
      if (method.name === "ListTenants" || (method === WAIT_FOR && name === "Connect JSON")) continue;
      if (counterpart === undefined) throw new Error("both tenants have every call");
      const refusal = refusalOf(method.name);
      const foreign = await refusesAs(stand, name, ownKey, method, init, refusal);
      const absent = await refusesAs(stand, name, ownKey, method, counterpart.init, refusal);
      expect(said(foreign), method.name).toBe(said(absent));
    }
  });

  test(`${row(31)}, in a list of targets of which the first is one's own`, async () => {
    if (name === "Connect JSON") return;
    const targets = (tenant: string) => ({ targets: [{ key: newKey() }, { key: { ...newKey(), tenant } }] }) as never;
    const foreign = await refusesAs(stand, name, ownKey, WAIT_FOR, targets(other.tenant), TENANT_FORBIDDEN);
    const absent = await refusesAs(stand, name, ownKey, WAIT_FOR, targets(unknownTenantId()), TENANT_FORBIDDEN);
    expect(said(foreign)).toBe(said(absent));
  });

  test(`${row(31)} by its spelling, be it nearly one's own`, async () => {
    for (const tenant of [own.toUpperCase(), `${own} `, `${own}/`, "%", "*", "__proto__", own.slice(0, -1)]) {
      const key = { ...newKey(), tenant };
      await refusesAs(stand, name, ownKey, claim, { key, claimId: newClaimId() }, TENANT_FORBIDDEN);
    }
  });

  test("the same key is another record for each tenant, and a list shows one's own only", async () => {
    const wire = as(stand.wires[name], ownKey);
    const key = { scope: other.handle.key?.scope ?? "", key: other.handle.key?.key ?? "" };
    const { tenants } = await call(wire, listTenants, {});
    expect(tenants.map(({ registration }) => registration?.tenantId)).toEqual([own]);
    const answer = await wire.send(generic(getRecord), encode(wire, getRecord, { key }));
    if (answer.code === "OK") throw new Error("nobody of the tenant has claimed it");
    expect(readRefusal(answer)).toMatchObject({ reason: "RECORD_NOT_FOUND" });
    const handle = await acquire(wire, { key });
    const result = { body: { case: "omittedReason", value: "" } } as const;
    await call(wire, complete, { handle, result });
    await stand.sql.query("delete from holdfast.record where tenant = $1", [own]);
    const theirs = await stand.sql.query("select state from holdfast.record where tenant = $1", [other.tenant]);
    expect(theirs.rows).toEqual([{ state: 1 }]);
  });

  test(`${row(89)}: whose names exist cannot be found out with a tenant's credential`, async () => {
    const wire = as(stand.wires[name], ownKey);
    const known: readonly Selector[] = [
      { case: "tenantId", value: other.tenant },
      { case: "host", value: { host: other.host } },
      { case: "issuer", value: { issuer: other.issuer, subject: CANARY } },
      { case: "tenantId", value: "default" },
    ];
    const guesses = Array.from({ length: 300 }, (_, i) => known[i % 30] ?? guess(i));
    const answers = await Promise.all(guesses.map((selector) => ask(wire, selector)));
    expect(new Set(answers.map(said)).size).toBe(1);
    expect(readRefusal(answers[0] as Answer)).toMatchObject(TENANT_FORBIDDEN);
    expect(answers.some(({ received }) => received.includes(CANARY))).toBe(false);
  });

  test.each<[string, Selector]>([
    ["%", { case: "tenantId", value: "%" }],
    ["../", { case: "tenantId", value: "../default" }],
    ["a pattern of hosts", { case: "host", value: { host: "*.example" } }],
    ["a host that is none", { case: "host", value: { host: "[::1" } }],
    ["an issuer that nobody has", { case: "issuer", value: { issuer: CANARY, subject: "" } }],
  ])(`${row(88)}, with a tenant's credential as with an administrator's: %s`, async (_, selector) => {
    const texts = [ownKey, access.admin].map((token) =>
      refusesAs(stand, name, token, resolveTenant, { selector }, TENANT_FORBIDDEN),
    );
    expect(new Set((await Promise.all(texts)).map(said)).size).toBe(1);
  });
});

function guess(i: number): Selector {
  const word = `${CANARY}-${i}-${crypto.randomUUID().slice(0, 8)}`;
  if (i % 3 === 0) return { case: "tenantId", value: word };
  if (i % 3 === 1) return { case: "host", value: { host: `${word}.example` } };
  return { case: "issuer", value: { issuer: `https://${word}.example`, subject: CANARY } };
}

function ask(wire: Wire, selector: Selector): Promise<Answer> {
  return wire.send(generic(resolveTenant), encode(wire, resolveTenant, { selector }));
}

test(`${row(89)} by the ten thousand, with the credential of an administrator, cost nobody else anything`, async () => {
  const admin = as(stand.wires.gRPC, access.admin);
  const worker = as(stand.wires["gRPC-Web"], ownKey);
  await call(worker, claim, { key: newKey(), claimId: newClaimId() });
  const kinds = new Map<string, Answer>();
  for (let round = 0; round < 100; round++) {
    const guesses = Array.from({ length: 100 }, (_, i) => guess(i));
    const answers = Promise.all(guesses.map((selector) => ask(admin, selector)));
    // Whoever is known is served in between.
    expect(leaseOf(await call(worker, claim, { key: newKey(), claimId: newClaimId() })).attempt).toBe(1);
    expect((await call(admin, getTenant, { tenantId: own })).tenant?.registration?.tenantId).toBe(own);
    for (const answer of await answers) {
      kinds.set(JSON.stringify([readRefusal(answer), answer.message]), answer);
      expect(answer.received).not.toContain(CANARY);
    }
  }
  // How many get through depends on how fast they come; beyond that they are told when to come again.
  for (const answer of kinds.values()) {
    const { code, reason } = readRefusal(answer);
    expect([TENANT_FORBIDDEN, OVERLOADED]).toContainEqual({ code, reason });
    const info = answer.details.get("google.rpc.RetryInfo");
    expect(info !== undefined).toBe(reason === OVERLOADED.reason);
    if (info !== undefined) expect(fromBinary(RetryInfoSchema, info).retryDelay).toBeDefined();
  }
  expect(kinds.size).toBeLessThanOrEqual(2);
});

livesOn(stand);

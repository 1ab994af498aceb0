import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { TenantRuntime } from "../../../gen/holdfast/v1/admin_pb.ts";
import { Admission, TenantHealth } from "../../../gen/holdfast/v1/tenant_pb.ts";
import { Fault } from "../../../src/domain/fault.ts";
import type { Verdict } from "../../../src/domain/registration.ts";
import type { TenantTable } from "../../../src/tenants/table.ts";
import { settled } from "../store/manual-clock.ts";
import {
  admin,
  present,
  type RegistrationInit,
  register,
  type Stand,
  stand,
  VALIDATED,
} from "./admin-tenants-stand.ts";

const ACME = { tenantId: "acme" };

/** Updates acme, and answers with the tenant as it stands. */
async function update(own: Stand, registration: RegistrationInit, expectedGeneration = 0n) {
  const request = { registration: { ...ACME, ...registration }, expectedGeneration, reason: "why" };
  return present((await own.call(admin.updateTenant, request as never)).tenant);
}

const failedUpdate = (own: Stand, registration: RegistrationInit, expectedGeneration = 0n) =>
  own.failure(admin.updateTenant, { registration: { ...ACME, ...registration }, expectedGeneration } as never);

describe("an update", () => {
  test("replaces the whole registration, under a new generation", async () => {
    const own = stand();
    await register(own, { displayName: "Acme", hosts: [{ host: "a.example" }] });
    const updated = await update(own, { hosts: [{ host: "B.example" }] });
    expect(updated.generation).toBe(2n);
    expect(updated.registration).toMatchObject({ displayName: "", hosts: [{ host: "b.example" }] });
    expect(own.table.changes.at(-1)).toEqual({ action: "update", id: "acme", actor: "api-key:root", reason: "why" });
    const host = (name: string) => own.tenants.find({ kind: "host", host: name, path: "" }, Number.POSITIVE_INFINITY);
    expect([await host("a.example"), await host("b.example")]).toEqual([null, "acme"]);
  });

  test("that changes nothing makes no new generation", async () => {
    const own = stand();
    const before = await register(own, { hosts: [{ host: "a.example" }, { host: "b.example" }] });
    const after = await update(own, { hosts: [{ host: "b.example" }, { host: "A.example" }] });
    expect(after).toEqual(before);
    expect(own.table.changes).toHaveLength(1);
  });

  test("leaves placement and encryption as they are when it does not say, and takes no others", async () => {
    const own = stand({ terms: { hasMasterKey: true } });
    await register(own, { placement: "eu", encrypted: false });
    expect((await update(own, { displayName: "x" })).registration).toMatchObject({ placement: "eu", encrypted: false });
    expect((await update(own, { displayName: "y", placement: "eu", encrypted: false })).generation).toBe(3n);
    const failure = await failedUpdate(own, { placement: "main", encrypted: true });
    expect(failure).toMatchObject({ reason: "FIELD_INVALID" });
    expect(Object.keys(failure.fields)).toEqual(["registration.placement", "registration.encrypted"]);
  });

  test("of an encrypted tenant needs no master key", async () => {
    const terms = { hasMasterKey: true };
    const own = stand({ terms });
    await register(own);
    const other = stand({ through: () => own.table });
    expect((await update(other, { displayName: "x" })).registration.encrypted).toBe(true);
  });

  test("with the generation that was read is made, and with another one is refused", async () => {
    const own = stand();
    await register(own);
    expect((await update(own, { displayName: "x" }, 1n)).generation).toBe(2n);
    const failure = await failedUpdate(own, { displayName: "y" }, 1n);
    expect(failure).toMatchObject({ code: Code.ABORTED, reason: "TENANT_CHANGED", retryMs: null });
    expect((await failedUpdate(own, { displayName: "x" }, 1n)).reason).toBe("TENANT_CHANGED");
  });

  test("of a tenant that is not there is refused", async () => {
    expect((await failedUpdate(stand(), {})).reason).toBe("TENANT_FORBIDDEN");
  });

  test("to another tenant's host is refused and changes nothing", async () => {
    const own = stand();
    await register(own);
    await register(own, { tenantId: "other", hosts: [{ host: "o.example" }] });
    expect((await failedUpdate(own, { hosts: [{ host: "o.example" }] })).reason).toBe("HOST_TAKEN");
    expect((await own.table.read("acme", 0))?.generation).toBe(1n);
  });

  test("is checked like a registration", async () => {
    const own = stand();
    await register(own);
    const failure = await failedUpdate(own, {
      hosts: [{ host: "_" }],
      limits: { newRecordsPerSecond: Number.NaN } as never,
    });
    expect(Object.keys(failure.fields)).toEqual([
      "registration.hosts[0].host",
      "registration.limits.new_records_per_second",
    ]);
    const policy = { defaultPolicy: { resultRetention: { seconds: 1n } } };
    expect((await failedUpdate(own, policy as never)).reason).toBe("DURATION_OUT_OF_RANGE");
  });
});

describe("an update of the validator", () => {
  const refused: Verdict = { kind: "refused", reason: "the address answered 404" };
  const uncertain: Verdict = { kind: "uncertain", reason: "the connection failed" };

  test.each<[Verdict, string, Code]>([
    [refused, "VALIDATION_REFUSED", Code.FAILED_PRECONDITION],
    [uncertain, "VALIDATION_UNCERTAIN", Code.UNAVAILABLE],
  ])("changes nothing when the new one says %j", async (verdict, reason, code) => {
    const own = stand();
    const before = await register(own, { displayName: "Acme" });
    own.answer(async () => verdict);
    const failure = await failedUpdate(own, VALIDATED);
    expect(failure).toMatchObject({ reason, code });
    expect(failure.message).toContain("reason" in verdict ? verdict.reason : "");
    expect(failure.message).not.toContain("example");
    expect(failure.retryMs === null).toBe(verdict === refused);
    expect((await own.call(admin.getTenant, ACME)).tenant).toEqual(before);
    expect(own.asked.map(({ validator }) => validator.kind)).toEqual(["http"]);
  });

  test("is made when the new one accepts, and the tenant is healthy", async () => {
    const own = stand();
    own.answer(async () => refused);
    expect((await register(own, VALIDATED, { awaitFirstValidation: true })).health).toBe(TenantHealth.DISABLED);
    own.answer(async () => ({ kind: "accepted" }));
    const jwks = { validator: { kind: { case: "jwksUrl", value: "https://acme.example/jwks" } } } as const;
    expect(await update(own, jwks)).toMatchObject({ health: TenantHealth.HEALTHY, healthReason: "" });
  });

  test("asks nobody and keeps the health, its reason and its time when the validator is the same", async () => {
    const own = stand();
    own.answer(async () => refused);
    const before = await register(own, VALIDATED, { awaitFirstValidation: true });
    own.pass(1000);
    const { health, healthReason, healthSince, updateTime } = await update(own, { ...VALIDATED, displayName: "x" });
    expect(own.asked).toHaveLength(1);
    expect({ health, healthReason, healthSince }).toEqual({
      health: TenantHealth.DISABLED,
      healthReason: "the address answered 404",
      healthSince: before.healthSince,
    });
    expect(updateTime).not.toEqual(before.updateTime);
  });

  test("to none makes the tenant healthy without asking anybody", async () => {
    const own = stand();
    own.answer(async () => refused);
    await register(own, VALIDATED, { awaitFirstValidation: true });
    expect((await update(own, {})).health).toBe(TenantHealth.HEALTHY);
    expect(own.asked).toHaveLength(1);
  });

  test("is not written when the tenant was changed while the validator was asked", async () => {
    const own = stand();
    await register(own);
    const asked = Promise.withResolvers<void>();
    const verdict = Promise.withResolvers<Verdict>();
    own.answer(() => {
      asked.resolve();
      return verdict.promise;
    });
    const updating = failedUpdate(own, VALIDATED, 1n);
    await asked.promise;
    await update(own, { displayName: "faster" });
    verdict.resolve({ kind: "accepted" });
    expect((await updating).reason).toBe("TENANT_CHANGED");
    expect((await own.table.read("acme", 0))?.registration).toMatchObject({
      displayName: "faster",
      validator: { kind: "none" },
    });
  });

  test("begins anew after such a change when any generation is as good", async () => {
    const own = stand();
    await register(own);
    let times = 0;
    own.answer(async () => {
      if (++times === 1) await update(own, { displayName: "faster" });
      return { kind: "accepted" };
    });
    expect(await update(own, VALIDATED)).toMatchObject({ generation: 3n, registration: { displayName: "" } });
    expect(times).toBe(2);
  });

  test("gives up when others are faster again and again", async () => {
    const overtaken = new Fault("TENANT_CHANGED", "the tenant has another generation");
    const own = stand({ through: (table) => ({ ...table, update: () => Promise.reject(overtaken) }) });
    await register(own);
    expect((await failedUpdate(own, VALIDATED)).reason).toBe("TENANT_CHANGED");
    expect(own.asked).toHaveLength(5);
  });
});

describe("a drained tenant", () => {
  test("is refused for new work until it is resumed, whatever its health", async () => {
    const own = stand();
    await register(own);
    const drained = (await own.call(admin.drainTenant, { ...ACME, reason: "move" })).tenant;
    expect(drained).toMatchObject({ draining: true, admission: Admission.REFUSE, health: TenantHealth.HEALTHY });
    expect(await own.tenants.enter("acme", Number.POSITIVE_INFINITY)).toMatchObject({ tenant: { draining: true } });
    const resumed = (await own.call(admin.drainTenant, { ...ACME, resume: true })).tenant;
    expect(resumed).toMatchObject({ draining: false, admission: Admission.ADMIT, generation: 1n });
    expect(await own.tenants.enter("acme", Number.POSITIVE_INFINITY)).toMatchObject({ tenant: { draining: false } });
    expect(own.table.changes.map(({ action, reason }) => [action, reason])).toEqual([
      ["register", ""],
      ["drain", "move"],
      ["resume", ""],
    ]);
  });

  test("may be drained again", async () => {
    const own = stand();
    await register(own);
    for (let times = 0; times < 2; times++) await own.call(admin.drainTenant, ACME);
    expect(own.table.changes).toHaveLength(2);
  });

  test("cannot be drained when it is not there", async () => {
    expect((await stand().failure(admin.drainTenant, ACME)).reason).toBe("TENANT_FORBIDDEN");
  });
});

describe("a recheck", () => {
  test.each<[Verdict, TenantHealth]>([
    [{ kind: "accepted" }, TenantHealth.HEALTHY],
    [{ kind: "refused", reason: "no" }, TenantHealth.UNVERIFIED],
    [{ kind: "uncertain", reason: "late" }, TenantHealth.UNVERIFIED],
  ])("of a healthy tenant that says %j answers with the health afterwards, and builds", async (verdict, health) => {
    const own = stand();
    await register(own, VALIDATED, { awaitFirstValidation: true });
    own.answer(async () => verdict);
    const { tenant } = await own.call(admin.recheckTenant, ACME);
    expect(tenant).toMatchObject({ health, runtime: TenantRuntime.BUILT, generation: 1n });
  });

  test("makes a disabled tenant healthy again", async () => {
    const own = stand();
    own.answer(async () => ({ kind: "refused", reason: "no" }));
    await register(own, VALIDATED, { awaitFirstValidation: true });
    own.answer(async () => ({ kind: "accepted" }));
    expect((await own.call(admin.recheckTenant, ACME)).tenant?.health).toBe(TenantHealth.HEALTHY);
    expect(own.table.changes.at(-1)).toMatchObject({ action: "judge", actor: "api-key:root" });
  });

  test("of which the validator throws changes the health and fails for its caller, who is not told what was thrown", async () => {
    const own = stand();
    await register(own, VALIDATED, { awaitFirstValidation: true });
    own.answer(() => Promise.reject(new Error("secret")));
    const failure = await own.failure(admin.recheckTenant, ACME);
    expect(failure).toMatchObject({ code: Code.INTERNAL, reason: "INTERNAL" });
    expect(failure.message).not.toContain("secret");
    expect((await own.call(admin.getTenant, ACME)).tenant?.health).toBe(TenantHealth.UNVERIFIED);
  });

  test("of a tenant that is not there, or no more when it is validated, says so", async () => {
    const own = stand();
    expect((await own.failure(admin.recheckTenant, ACME)).reason).toBe("TENANT_FORBIDDEN");
    await register(own, VALIDATED, { awaitFirstValidation: true });
    own.answer(async () => {
      await own.call(admin.unregisterTenant, ACME);
      return { kind: "accepted" };
    });
    const { reason } = await own.failure(admin.recheckTenant, ACME);
    expect(reason).toBe("TENANT_FORBIDDEN");
    await settled();
    expect((await own.call(admin.listTenants, {})).tenants).toEqual([]);
  });
});

describe("a tenant that is unregistered", () => {
  test("is gone at once, with its hosts", async () => {
    const own = stand();
    await register(own, { hosts: [{ host: "a.example" }] });
    await own.tenants.enter("acme", Number.POSITIVE_INFINITY);
    await own.call(admin.unregisterTenant, { ...ACME, reason: "left" });
    expect(await own.tenants.enter("acme", Number.POSITIVE_INFINITY)).toBeNull();
    expect((await own.failure(admin.getTenant, ACME)).reason).toBe("TENANT_FORBIDDEN");
    expect(own.table.changes.at(-1)).toMatchObject({ action: "unregister", reason: "left" });
    await register(own, { tenantId: "other", hosts: [{ host: "a.example" }] });
  });

  test("cannot be unregistered again", async () => {
    const own = stand();
    await register(own);
    await own.call(admin.unregisterTenant, ACME);
    expect((await own.failure(admin.unregisterTenant, ACME)).reason).toBe("TENANT_FORBIDDEN");
  });
});

test("a change that is committed is answered also when this server cannot apply it yet", async () => {
  let down = false;
  const read: TenantTable["read"] = () => Promise.reject(new Fault("STORE_UNAVAILABLE", "down"));
  const own = stand();
  await register(own);
  const { read: whole } = own.table;
  Object.assign(own.table, {
    read: (id: string, deadline: number) => (down ? read(id, deadline) : whole(id, deadline)),
  });
  down = true;
  expect((await own.call(admin.drainTenant, ACME)).tenant?.draining).toBe(true);
  expect(own.errors).toEqual([expect.objectContaining({ code: "STORE_UNAVAILABLE" })]);
  await own.call(admin.unregisterTenant, ACME);
  expect(own.errors).toHaveLength(2);
});

import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { TenantBuild, TenantRuntime } from "../../../gen/holdfast/v1/admin_pb.ts";
import { LeaseExpiryPolicy } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { Admission, TenantHealth } from "../../../gen/holdfast/v1/tenant_pb.ts";
import type { Verdict } from "../../../src/domain/registration.ts";
import { settled } from "../store/manual-clock.ts";
import { admin, type RegistrationInit, register, type Stand, stand, VALIDATED } from "./admin-tenants-stand.ts";
import { seconds } from "./bundle.ts";

describe("a tenant that is registered", () => {
  test("is answered with every default filled in, and is healthy at once without a validator", async () => {
    const own = stand();
    const tenant = await register(own, { displayName: "Acme" });
    expect(tenant).toMatchObject({
      generation: 1n,
      health: TenantHealth.HEALTHY,
      admission: Admission.ADMIT,
      runtime: TenantRuntime.COLD,
      draining: false,
    });
    expect(tenant.registration).toMatchObject({
      tenantId: "acme",
      displayName: "Acme",
      placement: "main",
      encrypted: false,
      build: TenantBuild.LAZY,
      serveStates: [TenantHealth.HEALTHY, TenantHealth.UNVERIFIED],
      limits: { newRecordsPerSecond: 0, liveRecords: 0n },
      defaultPolicy: {
        onLeaseExpiry: LeaseExpiryPolicy.REACQUIRE,
        maxAttempts: 0,
        resultRetention: { seconds: 86_400n },
        tombstoneRetention: { seconds: 86_400n },
      },
    });
    expect(tenant.registration.defaultPolicy?.maxExecution).toBeUndefined();
    expect(own.asked).toEqual([]);
  });

  test("keeps everything that was declared, and what is answered can be registered again", async () => {
    const declared: RegistrationInit = {
      displayName: "Acme",
      hosts: [{ host: "b.example" }, { host: "a.example", path: "/eu" }],
      issuers: [{ issuer: "https://idp.example", subject: "s", audience: "a", jwksUrl: "https://idp.example/jwks" }],
      agentUrl: "https://agent.example",
      build: TenantBuild.EAGER,
      limits: {
        newRecordsPerSecond: 0.5,
        newRecordsBurst: 2,
        liveRecords: 2n ** 63n - 1n,
        storedBytes: 4n,
        leases: 5,
        waiters: 6,
      },
      defaultPolicy: {
        onLeaseExpiry: LeaseExpiryPolicy.HOLD,
        maxAttempts: 7,
        maxExecution: seconds(8),
        resultRetention: seconds(90),
        tombstoneRetention: seconds(0),
      },
      placement: "eu",
      serveStates: [TenantHealth.HEALTHY],
      encrypted: false,
    };
    const own = stand();
    const { registration } = await register(own, declared);
    expect(registration).toMatchObject({
      ...declared,
      hosts: [{ host: "a.example", path: "/eu" }, { host: "b.example" }],
    });
    const again = await own.call(admin.registerTenant, { registration });
    expect(again.tenant).toMatchObject({ registration, generation: 1n });
  });

  test.each([
    [true, undefined, true],
    [true, false, false],
    [true, true, true],
    [false, undefined, false],
    [false, false, false],
  ])("with a master key %s and encrypted %s is encrypted: %s", async (hasMasterKey, encrypted, expected) => {
    const { registration } = await register(
      stand({ terms: { hasMasterKey } }),
      encrypted === undefined ? {} : { encrypted },
    );
    expect(registration.encrypted).toBe(expected);
  });

  test("has its hosts in the one spelling under which they are looked up", async () => {
    const own = stand();
    const hosts = [
      { host: "https://Shop.ACME.example:8443/", path: "/a/" },
      { host: "[2001:DB8::0:1]:443" },
      { host: "bücher.example.", path: "/" },
    ];
    const { registration } = await register(own, { hosts });
    expect(registration.hosts.map(({ host, path }) => host + path)).toEqual([
      "2001:db8::1",
      "shop.acme.example/a",
      "xn--bcher-kva.example",
    ]);
  });

  test("is in the audit log with who registered it and why", async () => {
    const own = stand();
    await register(own, {}, { reason: "ticket 7" });
    expect(own.table.changes).toEqual([{ action: "register", id: "acme", actor: "api-key:root", reason: "ticket 7" }]);
  });
});

describe("registering again", () => {
  test("the very same answers as it stands, as often as it is asked", async () => {
    const own = stand();
    const registration = { hosts: [{ host: "a.example" }, { host: "b.example" }] };
    const first = await register(own, registration);
    own.pass(1000);
    const again = await register(own, { hosts: [{ host: "B.example:80" }, { host: "a.example" }] });
    expect(again).toEqual(first);
    expect(own.table.changes).toHaveLength(1);
  });

  test("the same under another default of encryption is the same still", async () => {
    const own = stand({ terms: { hasMasterKey: true } });
    await register(own, { encrypted: false });
    expect((await register(own)).registration.encrypted).toBe(false);
  });

  test("another one is refused", async () => {
    const own = stand();
    await register(own);
    const failure = await own.failure(admin.registerTenant, { registration: { tenantId: "acme", displayName: "x" } });
    expect(failure).toMatchObject({ code: Code.ALREADY_EXISTS, reason: "TENANT_EXISTS", retryMs: null });
  });

  test.each<[string, RegistrationInit]>([
    ["HOST_TAKEN", { hosts: [{ host: "acme.example", path: "/a/" }] }],
    ["ISSUER_TAKEN", { issuers: [{ issuer: "https://idp.example" }] }],
  ])("what is another tenant's is %s", async (reason, more) => {
    const own = stand();
    await register(own, {
      hosts: [{ host: "ACME.example", path: "/a" }],
      issuers: [{ issuer: "https://idp.example" }],
    });
    const failure = await own.failure(admin.registerTenant, { registration: { ...more, tenantId: "other" } as never });
    expect(failure).toMatchObject({ code: Code.ALREADY_EXISTS, reason });
    expect(await own.table.read("other", 0)).toBeNull();
  });
});

describe("what cannot be registered is refused with every field", () => {
  const url = (value: string): RegistrationInit => ({ validator: { kind: { case: "httpUrl", value } } });
  const jwks = (jwksUrl: string): RegistrationInit => ({ issuers: [{ issuer: "i", audience: "a", jwksUrl }] });
  const limits = (each: RegistrationInit["limits"]): RegistrationInit => ({ limits: each as never });

  test.each<[string, RegistrationInit, readonly string[]]>([
    ["an id in upper case", { tenantId: "ACME" }, ["tenant_id"]],
    ["no id", { tenantId: "" }, ["tenant_id"]],
    ["an id of 64 bytes", { tenantId: "a".repeat(64) }, ["tenant_id"]],
    [
      "hosts that are none",
      { hosts: [{ host: "a_b" }, { host: "ok.example" }, { host: "*" }] },
      ["hosts[0].host", "hosts[2].host"],
    ],
    ["an empty host", { hosts: [{ host: "" }] }, ["hosts[0].host"]],
    [
      "a host twice in two spellings",
      {
        hosts: [
          { host: "a.example", path: "/x" },
          { host: "A.example:1", path: "/x/" },
        ],
      },
      ["hosts[1]"],
    ],
    ["101 hosts", { hosts: Array.from({ length: 101 }, (_, i) => ({ host: `h${i}.example` })) }, ["hosts"]],
    ["a path without slash", { hosts: [{ host: "a.example", path: "x" }] }, ["hosts[0].path"]],
    ["a path with a query", { hosts: [{ host: "a.example", path: "/x?y" }] }, ["hosts[0].path"]],
    ["a path of 513 bytes", { hosts: [{ host: "a.example", path: `/${"x".repeat(512)}` }] }, ["hosts[0].path"]],
    ["an unknown placement", { placement: "us" }, ["placement"]],
    ["encryption without a master key", { encrypted: true }, ["encrypted"]],
    ["http", url("http://acme.example/"), ["validator.http_url"]],
    ["http on loopback where that is not allowed", url("http://127.0.0.1/"), ["validator.http_url"]],
    ["a user in a URL", url("https://u:p@acme.example/"), ["validator.http_url"]],
    ["no host in a URL", url("https:///"), ["validator.http_url"]],
    ["a URL of something else", url("file:///etc/passwd"), ["validator.http_url"]],
    ["no URL at all", url("acme"), ["validator.http_url"]],
    ["an address of a private network", url("https://10.0.0.1/"), ["validator.http_url"]],
    ["an address of a metadata service", url("https://[::ffff:169.254.169.254]/"), ["validator.http_url"]],
    ["an empty validator", { validator: {} }, ["validator.kind"]],
    ["a key set under http", jwks("http://idp.example/"), ["issuers[0].jwks_url"]],
    [
      "a key set without audience",
      { issuers: [{ issuer: "i", jwksUrl: "https://idp.example/" }] },
      ["issuers[0].audience"],
    ],
    [
      "an issuer twice",
      {
        issuers: [
          { issuer: "i", subject: "s" },
          { issuer: "i", subject: "s", audience: "a" },
        ],
      },
      ["issuers[1]"],
    ],
    ["limits that are no number", limits({ newRecordsPerSecond: Number.NaN }), ["limits.new_records_per_second"]],
    [
      "limits that are infinite",
      limits({ newRecordsPerSecond: Number.POSITIVE_INFINITY }),
      ["limits.new_records_per_second"],
    ],
    ["limits below 0", limits({ newRecordsPerSecond: -0.1 }), ["limits.new_records_per_second"]],
    [
      "limits that no bigint holds",
      limits({ liveRecords: 2n ** 63n, storedBytes: 2n ** 64n - 1n }),
      ["limits.live_records", "limits.stored_bytes"],
    ],
    ["a health that is none", { serveStates: [TenantHealth.UNSPECIFIED] }, ["serve_states[0]"]],
    ["a health twice", { serveStates: [TenantHealth.HEALTHY, TenantHealth.HEALTHY] }, ["serve_states"]],
    ["a build that is none", { build: 9 as TenantBuild }, ["build"]],
    ["too many attempts", { defaultPolicy: { maxAttempts: 1001 } }, ["default_policy.max_attempts"]],
    [
      "a malformed duration",
      { defaultPolicy: { maxExecution: { seconds: 1n, nanos: -1 } } },
      ["default_policy.max_execution"],
    ],
    [
      "several things",
      { hosts: [{ host: "?" }], placement: "us", encrypted: true },
      ["hosts[0].host", "placement", "encrypted"],
    ],
  ])("%s", async (_, registration, fields) => {
    const own = stand();
    const failure = await own.failure(admin.registerTenant, {
      registration: { tenantId: "acme", ...registration } as never,
    });
    expect(failure).toMatchObject({ code: Code.INVALID_ARGUMENT, reason: "FIELD_INVALID", retryMs: null });
    expect(Object.keys(failure.fields)).toEqual(fields.map((field) => `registration.${field}`));
    expect(own.table.changes).toEqual([]);
  });

  test.each<[string, RegistrationInit["defaultPolicy"]]>([
    ["max_execution", { maxExecution: seconds(0) }],
    ["max_execution", { maxExecution: seconds(604_801) }],
    ["result_retention", { resultRetention: seconds(59) }],
    ["result_retention", { resultRetention: seconds(7_776_001) }],
    ["tombstone_retention", { tombstoneRetention: seconds(-1) }],
    ["tombstone_retention", { tombstoneRetention: seconds(315_360_001) }],
  ])("a %s out of range, with its bounds", async (field, defaultPolicy) => {
    const failure = await stand().failure(admin.registerTenant, {
      registration: { tenantId: "acme", defaultPolicy } as never,
    });
    expect(failure).toMatchObject({ code: Code.OUT_OF_RANGE, reason: "DURATION_OUT_OF_RANGE" });
    expect(failure.fields[`registration.default_policy.${field}`]).toMatch(/^must be from \d+s to \d+s$/);
  });

  test("a request without registration", async () => {
    expect((await stand().failure(admin.registerTenant, {})).fields).toEqual({ registration: "must be set" });
  });

  test("and no answer repeats what was sent", async () => {
    const secret = "https://user:hunter2@hunter2.example/hunter2";
    const registration = { tenantId: "acme", hosts: [{ host: "hunter2_" }], placement: "hunter2", ...url(secret) };
    const { message, fields } = await stand().failure(admin.registerTenant, { registration } as never);
    expect(JSON.stringify([message, fields])).not.toContain("hunter2");
    expect(fields["registration.placement"]).toBe("must be empty or one of main, eu");
  });

  test.each(["http://127.0.0.1:8080/", "http://localhost:8080/", "http://[::1]:8080/"])(
    "but %s is taken where loopback is allowed",
    async (address) => {
      const own = stand({ terms: { reach: { loopback: true, private: false, ports: [8080] } } });
      const { registration } = await register(own, url(address));
      expect(registration.validator?.kind.value).toBe(address);
    },
  );
});

describe("the first validation", () => {
  test.each<[Verdict, TenantHealth, Admission]>([
    [{ kind: "accepted" }, TenantHealth.HEALTHY, Admission.ADMIT],
    [{ kind: "refused", reason: "the address answered 404" }, TenantHealth.DISABLED, Admission.REFUSE],
    [{ kind: "uncertain", reason: "the connection failed" }, TenantHealth.PENDING, Admission.RETRY_LATER],
  ])("%j is waited for when that was asked", async (verdict, health, admission) => {
    const own = stand();
    own.answer(async () => verdict);
    const tenant = await register(own, VALIDATED, { awaitFirstValidation: true });
    const healthReason = verdict.kind === "accepted" ? "" : verdict.reason;
    expect(tenant).toMatchObject({ health, admission, healthReason, runtime: TenantRuntime.BUILT });
    expect(own.asked).toHaveLength(1);
  });

  test("runs also when nobody waits for it", async () => {
    const own = stand();
    const tenant = await register(own, VALIDATED);
    expect(tenant).toMatchObject({ health: TenantHealth.PENDING, admission: Admission.RETRY_LATER });
    await settled();
    expect((await own.call(admin.getTenant, { tenantId: "acme" })).tenant?.health).toBe(TenantHealth.HEALTHY);
    expect(own.clock.sleepers).toBe(0);
  });

  test("is waited for 3 s at most, and goes on", async () => {
    const own = stand();
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    own.answer(() => promise);
    let answered: TenantHealth | undefined;
    const registering = register(own, VALIDATED, { awaitFirstValidation: true }).then(({ health }) => {
      answered = health;
    });
    await own.clock.advance(2999);
    expect(answered).toBeUndefined();
    await own.clock.advance(1);
    await registering;
    expect(answered).toBe(TenantHealth.PENDING);
    resolve({ kind: "accepted" });
    await settled();
    expect((await own.table.read("acme", 0))?.health.health).toBe("healthy");
  });

  test("that throws leaves the tenant as it is then, and is told to whoever keeps the log", async () => {
    const own = stand();
    const thrown = new Error("bug");
    own.answer(() => Promise.reject(thrown));
    const tenant = await register(own, VALIDATED, { awaitFirstValidation: true });
    expect(tenant.health).toBe(TenantHealth.PENDING);
    expect(own.errors).toEqual([thrown]);
  });

  test("writes nothing about a tenant that was unregistered meanwhile", async () => {
    const { own, verdict, registering } = await heldValidation();
    await own.call(admin.unregisterTenant, { tenantId: "acme" });
    verdict({ kind: "refused", reason: "no" });
    await expect(registering).rejects.toMatchObject({ reason: "TENANT_FORBIDDEN" });
    expect((await own.call(admin.listTenants, {})).tenants).toEqual([]);
    expect(own.errors).toEqual([]);
  });

  test("says nothing about another registration of the same id", async () => {
    const { own, verdict, registering } = await heldValidation();
    await own.call(admin.unregisterTenant, { tenantId: "acme" });
    await register(own, { displayName: "another" });
    verdict({ kind: "refused", reason: "no" });
    await expect(registering).rejects.toMatchObject({ reason: "TENANT_FORBIDDEN" });
    await settled();
    expect(await own.table.read("acme", 0)).toMatchObject({
      generation: 3n,
      health: { health: "healthy", reason: "" },
    });
    expect(own.errors).toEqual([]);
  });
});

/** Registers, and stops while the validator is being asked. */
async function heldValidation(): Promise<{
  readonly own: Stand;
  readonly verdict: (verdict: Verdict) => void;
  readonly registering: ReturnType<typeof register>;
}> {
  const own = stand();
  const asked = Promise.withResolvers<void>();
  const { promise, resolve } = Promise.withResolvers<Verdict>();
  own.answer(() => {
    asked.resolve();
    return promise;
  });
  const registering = register(own, VALIDATED, { awaitFirstValidation: true });
  registering.catch(() => undefined);
  await asked.promise;
  return { own, verdict: resolve, registering };
}

import { describe, expect, test } from "vitest";
import { AdminService, type TenantBuild } from "../../../gen/holdfast/v1/admin_pb.ts";
import type { LeaseExpiryPolicy } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { TenantHealth } from "../../../gen/holdfast/v1/tenant_pb.ts";
import { newTenantId, type Registration, refusesAs, useAccessStand } from "./access-stand.ts";
import { row } from "./rows.ts";
import { CANARY, call, FIELD_INVALID, generic, livesOn, type Refusal, refuses } from "./stand.ts";
import { DISTINCT_WIRES, utf8 } from "./wires.ts";

const { getTenant, registerTenant, updateTenant } = AdminService.method;
const { stand, access } = useAccessStand();

const OUT_OF_RANGE = (field: string): Refusal => ({
  ...{ code: "OUT_OF_RANGE", reason: "DURATION_OUT_OF_RANGE" },
  fields: [field],
});

const host = (name: string, path = "") => ({ host: name, path });
const issuer = (change: object) => ({
  ...{ issuer: `https://${CANARY}.example`, subject: "", audience: "a", jwksUrl: "https://keys.example/jwks" },
  ...change,
});
const http = (url: string) => ({ kind: { case: "httpUrl", value: url } }) as const;
const jwks = (url: string) => ({ kind: { case: "jwksUrl", value: url } }) as const;
const seconds = (value: bigint) => ({ seconds: value });
const DAY = 86_400n;

/** What is registered, and which fields of it are named. */
type Case = readonly [string, Registration, string | readonly string[]];
const wrong = (what: string, registration: Registration, field: string): Case => [what, registration, field];

const CASES: readonly Case[] = [
  ...["", "A", `${CANARY}_`, `${CANARY}.x`, `${CANARY} `, "ä", "*", "../x", "a\0", CANARY.repeat(11).slice(0, 64)].map(
    (tenantId) => wrong(`the id ${JSON.stringify(tenantId)}`, { tenantId }, "tenant_id"),
  ),
  ["a name of 257 bytes", { displayName: CANARY.repeat(43) }, "display_name"],
  ["U+0000 in the name", { displayName: `${CANARY}\0` }, "display_name"],
  ["an agent of 2049 bytes", { agentUrl: CANARY.repeat(342) }, "agent_url"],

  ...[
    " ",
    "[::1",
    `${CANARY}_.example`,
    `${CANARY}..example`,
    "*.example",
    "a b.example",
    "http://",
    "127.0.0.1.5",
  ].map((name) => wrong(`the host ${JSON.stringify(name)}`, { hosts: [host(name)] }, "hosts[0].host")),
  ["no host", { hosts: [host("a.example"), host("")] }, "hosts[1].host"],
  ["a host of 256 bytes", { hosts: [host(CANARY.repeat(43).slice(0, 256))] }, "hosts[0].host"],
  ["U+0000 in a host", { hosts: [host(`${CANARY}\0.example`)] }, "hosts[0].host"],
  ["a host twice", { hosts: [host("a.example"), host("a.example")] }, "hosts[1]"],
  [
    "a host in two spellings",
    { hosts: [host("Bücher.example"), host("https://XN--bcher-kva.example.:443/")] },
    "hosts[1]",
  ],
  ["a path twice", { hosts: [host("a.example", "/x"), host("a.example", "/x/")] }, "hosts[1]"],
  ["101 hosts", { hosts: Array.from({ length: 101 }, (_, i) => host(`${CANARY}${i}.example`)) }, "hosts"],
  ["a path without a slash", { hosts: [host("a.example", CANARY)] }, "hosts[0].path"],
  ["a path with a query", { hosts: [host("a.example", `/?${CANARY}`)] }, "hosts[0].path"],
  ["a path with a fragment", { hosts: [host("a.example", `/#${CANARY}`)] }, "hosts[0].path"],
  ["a path of 2049 bytes", { hosts: [host("a.example", `/${CANARY.repeat(342)}`)] }, "hosts[0].path"],
  ["a path of 600 bytes", { hosts: [host("a.example", `/${CANARY.repeat(100)}`)] }, "hosts[0].path"],
  ["a path of 200 segments", { hosts: [host("a.example", "/a".repeat(200))] }, "hosts[0].path"],
  ["U+0000 in a path", { hosts: [host("a.example", `/${CANARY}\0`)] }, "hosts[0].path"],

  ["no issuer", { issuers: [issuer({ issuer: "" })] }, "issuers[0].issuer"],
  ["an issuer of 256 bytes", { issuers: [issuer({ issuer: CANARY.repeat(43).slice(0, 256) })] }, "issuers[0].issuer"],
  ["U+0000 in a subject", { issuers: [issuer({ subject: `${CANARY}\0` })] }, "issuers[0].subject"],
  ["keys without audience", { issuers: [issuer({ audience: "" })] }, "issuers[0].audience"],
  ["an issuer twice", { issuers: [issuer({}), issuer({ audience: "b" })] }, "issuers[1]"],
  [
    "21 issuers",
    { issuers: Array.from({ length: 21 }, (_, i) => issuer({ issuer: `https://${CANARY}${i}` })) },
    "issuers",
  ],
  ["keys under http", { issuers: [issuer({ jwksUrl: `http://${CANARY}.example/` })] }, "issuers[0].jwks_url"],

  ...[
    CANARY,
    `//${CANARY}.example`,
    `http://${CANARY}.example/`,
    `ftp://${CANARY}.example/`,
    `file:///etc/${CANARY}`,
    `https://user:${CANARY}@keys.example/`,
    `https://${CANARY}@keys.example/`,
    `https://${CANARY}.example:8443/`,
    `https://${CANARY}.example:22/`,
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/",
    "https://0.0.0.0/",
    `https://${CANARY}.example/${"a".repeat(2048)}`,
  ].flatMap((url) => [
    wrong(`a validator at ${url.slice(0, 40)}`, { validator: http(url) }, "validator.http_url"),
    wrong(`keys of a validator at ${url.slice(0, 40)}`, { validator: jwks(url) }, "validator.jwks_url"),
  ]),
  ["a validator of no kind", { validator: {} }, "validator.kind"],
  ["a validator without address", { validator: http("") }, "validator.http_url"],

  ["an unknown build", { build: 7 as TenantBuild }, "build"],
  ["a negative rate", { limits: { newRecordsPerSecond: -1 } }, "limits.new_records_per_second"],
  ["a rate that is no number", { limits: { newRecordsPerSecond: Number.NaN } }, "limits.new_records_per_second"],
  ["a rate without end", { limits: { newRecordsPerSecond: Infinity } }, "limits.new_records_per_second"],
  ["a rate without beginning", { limits: { newRecordsPerSecond: -Infinity } }, "limits.new_records_per_second"],
  ["2^63 records", { limits: { liveRecords: 2n ** 63n } }, "limits.live_records"],
  ["2^64 - 1 bytes", { limits: { storedBytes: 2n ** 64n - 1n } }, "limits.stored_bytes"],

  ["an unknown placement", { placement: CANARY }, "placement"],
  ["a placement in upper case", { placement: "MAIN" }, "placement"],
  ["a placement of 64 letters", { placement: CANARY.repeat(11).slice(0, 64) }, "placement"],
  ["encryption without a master key", { encrypted: true }, "encrypted"],

  ["an unknown state", { serveStates: [9 as TenantHealth] }, "serve_states[0]"],
  ["no state", { serveStates: [TenantHealth.UNSPECIFIED] }, "serve_states[0]"],
  ["a state twice", { serveStates: [TenantHealth.HEALTHY, TenantHealth.HEALTHY] }, "serve_states"],

  ["1001 attempts", { defaultPolicy: { maxAttempts: 1001 } }, "default_policy.max_attempts"],
  ["an unknown policy", { defaultPolicy: { onLeaseExpiry: 9 as LeaseExpiryPolicy } }, "default_policy.on_lease_expiry"],
  [
    "everything wrong at once",
    { hosts: [host(" ")], placement: "nowhere", encrypted: true, validator: http(CANARY) },
    ["hosts[0].host", "validator.http_url", "placement", "encrypted"],
  ],
];

describe.each(DISTINCT_WIRES)("%s", (name) => {
  test.each(CASES)(`${row(93)}: %s`, async (_, change, fields) => {
    const registration = { tenantId: newTenantId(), ...change };
    const refusal = FIELD_INVALID(...[fields].flat().map((field) => `registration.${field}`));
    await refusesAs(stand, name, access.admin, registerTenant, { registration }, refusal);
    // What is fixed by the registration is another matter in an update.
    if ("tenantId" in change || "placement" in change || "encrypted" in change) return;
    const tenantId = newTenantId();
    await access.register({ tenantId });
    const update = { registration: { tenantId, ...change } };
    await refusesAs(stand, name, access.admin, updateTenant, update, refusal);
    expect((await access.ask(getTenant, { tenantId })).tenant?.registration).toMatchObject({ hosts: [], issuers: [] });
  });

  test.each([
    ["an execution of 8 days", { maxExecution: seconds(8n * DAY) }, "max_execution"],
    ["an execution of nothing", { maxExecution: seconds(0n) }, "max_execution"],
    ["results for 59 s", { resultRetention: seconds(59n) }, "result_retention"],
    ["results for 91 days", { resultRetention: seconds(91n * DAY) }, "result_retention"],
    ["tombstones for 11 years", { tombstoneRetention: seconds(11n * 366n * DAY) }, "tombstone_retention"],
    ["tombstones for less than nothing", { tombstoneRetention: seconds(-1n) }, "tombstone_retention"],
  ])(`${row(93)}: %s`, async (_, defaultPolicy, field) => {
    const registration = { tenantId: newTenantId(), defaultPolicy };
    const refusal = OUT_OF_RANGE(`registration.default_policy.${field}`);
    const { message } = await refusesAs(stand, name, access.admin, registerTenant, { registration }, refusal);
    expect(message).toMatch(/must be from \d+s to \d+s/);
  });

  test(`${row(93)}: none, or reasons that are too long`, async () => {
    await refusesAs(stand, name, access.admin, registerTenant, {}, FIELD_INVALID("registration"));
    await refusesAs(stand, name, access.admin, updateTenant, {}, FIELD_INVALID("registration"));
    const registration = { tenantId: newTenantId() };
    for (const reason of [CANARY.repeat(43), `${CANARY}\0`]) {
      await refusesAs(stand, name, access.admin, registerTenant, { registration, reason }, FIELD_INVALID("reason"));
    }
  });

  test(`${row(93)}: a name, host or issuer that another has, without a word of whose it is`, async () => {
    const [tenantId, taken] = [newTenantId(), newTenantId(CANARY.slice(0, 3))];
    const hosts = [host(`${taken}.example`, "/a")];
    const issuers = [{ ...issuer({ issuer: taken }), audience: "a" }];
    await access.register({ tenantId, hosts, issuers });
    const exists = (reason: Refusal["reason"]): Refusal => ({ code: "ALREADY_EXISTS", ...(reason && { reason }) });
    const tries: readonly (readonly [Registration, Refusal["reason"]])[] = [
      [{ tenantId, displayName: "other" }, "TENANT_EXISTS"],
      [{ tenantId: newTenantId(), hosts: [host(`${taken.toUpperCase()}.example:8443`, "/a/")] }, "HOST_TAKEN"],
      [{ tenantId: newTenantId(), issuers: [issuer({ issuer: taken, audience: "b" })] }, "ISSUER_TAKEN"],
    ];
    for (const [registration, reason] of tries) {
      const init = { registration };
      const { received } = await refusesAs(stand, name, access.admin, registerTenant, init, exists(reason));
      expect(received).not.toContain(tenantId);
    }
    await call(stand.wires[name], getTenant, { tenantId: "default" });
  });
});

/** What only JSON can say. */
test.each([
  ["text where a number belongs", '{"limits": {"leases": "c4n4ry"}}', "registration.limits.leases"],
  ["a negative count", '{"limits": {"waiters": -1}}', "registration.limits.waiters"],
  ["a count beyond 32 bits", '{"limits": {"leases": 4294967296}}', "registration.limits.leases"],
  ["a broken count", '{"limits": {"liveRecords": "1.5"}}', "registration.limits.live_records"],
  ["a list of names", '{"displayName": ["c4n4ry"]}', "registration.display_name"],
  ["a host that is a word", '{"hosts": ["c4n4ry"]}', "registration.hosts"],
  ["a word for a flag", '{"encrypted": "c4n4ry"}', "registration.encrypted"],
  ["an unknown word for a state", '{"serveStates": ["C4N4RY", "c4n4ry"]}', "registration.serve_states"],
  ["two kinds of validator", '{"validator": {"httpUrl": "c4n4ry", "jwksUrl": "c4n4ry"}}', null],
  ["an unknown name", '{"c4n4ry": 1}', "registration"],
  ["a name of an object's property", '{"__proto__": {"encrypted": false}}', "registration"],
])(`${row(93)}, and other shapes: %s`, async (_, json, field) => {
  const body = utf8(`{"registration": ${json}}`);
  const headers = { authorization: `Bearer ${access.admin}` };
  await refuses(
    stand,
    stand.wires["Connect JSON"],
    generic(registerTenant),
    body,
    FIELD_INVALID(...(field === null ? [] : [field])),
    headers,
  );
});

livesOn(stand);

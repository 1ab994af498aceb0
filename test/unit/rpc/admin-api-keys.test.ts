import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { AdminService, type ApiKey, type CreateApiKeyRequestSchema, Role } from "../../../gen/holdfast/v1/admin_pb.ts";
import { createApiKeyAuthenticator } from "../../../src/auth/api-key.ts";
import { type Authenticator, anonymous, type Role as RoleName } from "../../../src/auth/authenticator.ts";
import { createAuthenticator } from "../../../src/auth/chain.ts";
import { CREDENTIALS_INVALID_TEXT } from "../../../src/auth/credentials-invalid.ts";
import { addMs } from "../../../src/domain/instant.ts";
import { createCallerLimit } from "../../../src/operations/admin/caller-limit.ts";
import { createApiKeyEndpoints } from "../../../src/rpc/admin/api-key-endpoints.ts";
import { toTimestamp } from "../../../src/rpc/wire/time.ts";
import { loggedError } from "../../../src/telemetry/log.ts";
import { noTracing } from "../../../src/telemetry/tracing.ts";
import { createMemoryApiKeyTable, freshApiKey } from "../../support/api-key-table.ts";
import { NOW } from "../../support/records.ts";
import { createManualClock } from "../store/manual-clock.ts";
import { again, Observed, quietContext, seconds, wireError } from "./bundle.ts";

const { createApiKey, listApiKeys, revokeApiKey } = AdminService.method;

/** The endpoints over a table of their own, behind API keys unless told otherwise. */
function scene({ authenticator: given }: { readonly authenticator?: Authenticator } = {}) {
  const table = createMemoryApiKeyTable(() => NOW);
  const clock = createManualClock();
  const apiKeys = createApiKeyAuthenticator({ table, clock, now: () => NOW });
  const observed = new Observed();
  let bytes = 0;
  const endpoints = createApiKeyEndpoints({
    authenticator: given ?? createAuthenticator({ apiKeys }),
    observer: observed,
    clock,
    random: () => 0.5,
    tracing: noTracing,
    apiKeys: table,
    limited: createCallerLimit(),
    changed: apiKeys.changed,
    // Different each time, and the same in each run.
    randomBytes: (count) => Uint8Array.from({ length: count }, () => (bytes = (bytes * 5 + 77) % 251)),
  });
  const send = async (method: DescMethodUnary, request: MessageInitShape<DescMessage>, secret?: string) => {
    const endpoint = endpoints.find((candidate) => candidate.method.localName === method.localName);
    if (endpoint?.kind !== "unary") throw new Error(`no unary endpoint ${method.name}`);
    const metadata = (name: string) =>
      name === "authorization" && secret !== undefined ? `Bearer ${secret}` : undefined;
    const message = again(method.input, create(method.input, request));
    return again(method.output, await endpoint.call(message, { ...quietContext(), metadata }));
  };
  const own = {
    table,
    apiKeys,
    observed,
    call: async <Input extends DescMessage, Output extends DescMessage>(
      method: DescMethodUnary<Input, Output>,
      request: MessageInitShape<Input>,
      secret?: string,
    ) => (await send(method, request, secret)) as MessageShape<Output>,
    failure: async <Input extends DescMessage, Output extends DescMessage>(
      method: DescMethodUnary<Input, Output>,
      request: MessageInitShape<Input>,
      secret?: string,
    ) => wireError(await send(method, request, secret).catch((thrown: unknown) => thrown)),
    /** A key that was made before. */
    async maker(
      tenant: string | null,
      roles: readonly RoleName[] = ["admin"],
    ): Promise<{ id: string; secret: string }> {
      const { input, text } = freshApiKey({ tenant, roles: new Set(roles) });
      await table.create(input, { actor: "command-line", reason: "" });
      return { id: input.id, secret: text };
    },
  };
  return own;
}

const WORK = { roles: [Role.CLAIM, Role.READ] };

describe("a key that is made", () => {
  test("is answered once with its secret, and lets its holder in as what it says", async () => {
    const { call, maker, apiKeys } = scene();
    const { secret } = await maker(null);
    const made = await call(
      createApiKey,
      { ...WORK, tenantId: "acme", displayName: "Worker", lifetime: seconds(3600) },
      secret,
    );
    expect(made.apiKey).toMatchObject({
      keyId: /^hf_([^.]+)\./.exec(made.secret)?.[1],
      tenantId: "acme",
      roles: [Role.CLAIM, Role.READ],
      displayName: "Worker",
      createTime: toTimestamp(NOW),
      expireTime: toTimestamp(addMs(NOW, 3_600_000)),
    });
    expect(made.apiKey?.revokeTime).toBeUndefined();
    expect(await apiKeys.authenticate(made.secret, Number.POSITIVE_INFINITY)).toMatchObject({
      tenant: "acme",
      roles: new Set(["claim", "read"]),
      name: `api-key:${made.apiKey?.keyId}`,
    });
  });

  test("is in the audit log under its maker's name", async () => {
    const { call, maker, table } = scene();
    const { id, secret } = await maker(null);
    const { apiKey } = await call(createApiKey, WORK, secret);
    expect(table.changes.at(-1)).toEqual({ actor: `api-key:${id}`, action: "create", id: apiKey?.keyId, reason: "" });
  });

  test.each<[string, string | null, string, string]>([
    ["a maker of one tenant that names none", "acme", "", "acme"],
    ["a maker of one tenant that names its own", "acme", "acme", "acme"],
    ["a maker of every tenant that names none", null, "", ""],
    ["a maker of every tenant that names one", null, "other", "other"],
  ])("by %s reaches as far as that", async (_, tenant, tenantId, expected) => {
    const { call, maker } = scene();
    const { secret } = await maker(tenant);
    expect((await call(createApiKey, { ...WORK, tenantId }, secret)).apiKey?.tenantId).toBe(expected);
  });

  test("may have each role, and no others than asked for", async () => {
    const { call, maker } = scene();
    const { secret } = await maker("acme");
    for (const roles of [[Role.CLAIM], [Role.READ], [Role.OPERATE], [Role.ADMIN], [Role.ADMIN, Role.CLAIM]]) {
      expect((await call(createApiKey, { roles }, secret)).apiKey?.roles).toEqual(roles.toSorted());
    }
  });

  test("lasts for ever when nothing is said", async () => {
    const { call, maker } = scene();
    const { secret } = await maker("acme");
    expect((await call(createApiKey, WORK, secret)).apiKey?.expireTime).toBeUndefined();
  });

  test("is another one with each call", async () => {
    const { call, maker } = scene();
    const { secret } = await maker("acme");
    const [first, second] = [await call(createApiKey, WORK, secret), await call(createApiKey, WORK, secret)];
    expect(first.secret).not.toBe(second.secret);
    expect(first.apiKey?.keyId).not.toBe(second.apiKey?.keyId);
  });

  test("needs nobody to say who he is where nobody is asked", async () => {
    const { call } = scene({ authenticator: anonymous });
    expect((await call(createApiKey, { ...WORK, tenantId: "acme" })).apiKey?.tenantId).toBe("acme");
  });
});

describe("no key is made", () => {
  test("for another tenant than the maker's, whether it exists or not", async () => {
    const { failure, maker, table } = scene();
    const { secret } = await maker("acme");
    const [there, absent] = [
      await failure(createApiKey, { ...WORK, tenantId: "other" }, secret),
      await failure(createApiKey, { ...WORK, tenantId: "nobody" }, secret),
    ];
    expect(there).toMatchObject({ code: Code.PERMISSION_DENIED, reason: "TENANT_FORBIDDEN" });
    expect({ ...absent, thrown: null }).toEqual({ ...there, thrown: null });
    expect(table.changes).toHaveLength(1);
  });

  test("for a tenant that is not registered", async () => {
    const { failure, maker } = scene();
    const { secret } = await maker(null);
    const sent = await failure(createApiKey, { ...WORK, tenantId: "nobody" }, secret);
    expect(sent).toMatchObject({ code: Code.NOT_FOUND, reason: "TENANT_NOT_FOUND" });
  });

  test.each<[string, MessageInitShape<typeof CreateApiKeyRequestSchema>, Code, string, string]>([
    ["a lifetime of 59 s", { ...WORK, lifetime: seconds(59) }, Code.OUT_OF_RANGE, "DURATION_OUT_OF_RANGE", "lifetime"],
    ["a lifetime of 0", { ...WORK, lifetime: seconds(0) }, Code.OUT_OF_RANGE, "DURATION_OUT_OF_RANGE", "lifetime"],
    [
      "a negative lifetime",
      { ...WORK, lifetime: seconds(-60) },
      Code.OUT_OF_RANGE,
      "DURATION_OUT_OF_RANGE",
      "lifetime",
    ],
    [
      "a lifetime over 10 years",
      { ...WORK, lifetime: seconds(3650 * 86_400 + 1) },
      Code.OUT_OF_RANGE,
      "DURATION_OUT_OF_RANGE",
      "lifetime",
    ],
    [
      "a malformed lifetime",
      { ...WORK, lifetime: { seconds: 60n, nanos: -1 } },
      Code.INVALID_ARGUMENT,
      "FIELD_INVALID",
      "lifetime",
    ],
    ["no role", { roles: [] }, Code.INVALID_ARGUMENT, "FIELD_INVALID", "roles"],
    ["a role twice", { roles: [Role.READ, Role.READ] }, Code.INVALID_ARGUMENT, "FIELD_INVALID", "roles"],
    ["an unknown role", { roles: [9 as Role] }, Code.INVALID_ARGUMENT, "FIELD_INVALID", "roles[0]"],
    ["the role 0", { roles: [Role.UNSPECIFIED] }, Code.INVALID_ARGUMENT, "FIELD_INVALID", "roles[0]"],
    ["a tenant that cannot be", { ...WORK, tenantId: "ACME" }, Code.INVALID_ARGUMENT, "FIELD_INVALID", "tenant_id"],
    [
      "a name of 257 bytes",
      { ...WORK, displayName: "n".repeat(257) },
      Code.INVALID_ARGUMENT,
      "FIELD_INVALID",
      "display_name",
    ],
    ["a name with NUL", { ...WORK, displayName: "a\0b" }, Code.INVALID_ARGUMENT, "FIELD_INVALID", "display_name"],
  ])("for %s", async (_, request, code, reason, field) => {
    const { failure, maker, table } = scene();
    const { secret } = await maker("acme");
    const sent = await failure(createApiKey, request, secret);
    expect(sent).toMatchObject({ code, reason });
    expect(Object.keys(sent.fields)).toEqual([field]);
    expect(table.changes).toHaveLength(1);
  });

  test.each([60, 3650 * 86_400])("but for a lifetime of %d s one is", async (lifetime) => {
    const { call, maker } = scene();
    const { secret } = await maker("acme");
    expect((await call(createApiKey, { ...WORK, lifetime: seconds(lifetime) }, secret)).secret).not.toBe("");
  });
});

test.each<[string, RoleName[]]>([
  ["operate", ["operate"]],
  ["claim and read", ["claim", "read"]],
])("the role %s is not enough for anything here", async (_, roles) => {
  const { failure, maker } = scene();
  const { id, secret } = await maker("acme", roles);
  for (const sent of [
    await failure(createApiKey, WORK, secret),
    await failure(revokeApiKey, { keyId: id }, secret),
    await failure(listApiKeys, {}, secret),
  ]) {
    expect(sent).toMatchObject({ code: Code.PERMISSION_DENIED, reason: "ROLE_REQUIRED" });
  }
});

describe("a key that is revoked", () => {
  test("lets nobody in from the answer on, and its revocation has a name and a reason", async () => {
    const { call, failure, maker, table } = scene();
    const [maker1, victim] = [await maker("acme"), await maker("acme")];
    await call(listApiKeys, {}, victim.secret);
    const { apiKey } = await call(revokeApiKey, { keyId: victim.id, reason: "lost" }, maker1.secret);
    expect(apiKey).toMatchObject({ keyId: victim.id, revokeTime: toTimestamp(NOW) });
    expect((await failure(listApiKeys, {}, victim.secret)).reason).toBe("CREDENTIALS_INVALID");
    expect(table.changes.at(-1)).toMatchObject({ action: "revoke", actor: `api-key:${maker1.id}`, reason: "lost" });
  });

  test("again is answered the same", async () => {
    const { call, maker } = scene();
    const [{ secret }, victim] = [await maker("acme"), await maker("acme")];
    const first = await call(revokeApiKey, { keyId: victim.id }, secret);
    expect(await call(revokeApiKey, { keyId: victim.id }, secret)).toEqual(first);
  });

  test("may be the caller's own", async () => {
    const { call, failure, maker } = scene();
    const { id, secret } = await maker("acme");
    await call(revokeApiKey, { keyId: id }, secret);
    expect((await failure(listApiKeys, {}, secret)).reason).toBe("CREDENTIALS_INVALID");
  });

  test("may be any tenant's for a caller of every tenant", async () => {
    const { call, maker } = scene();
    const [{ secret }, victim] = [await maker(null), await maker("other")];
    expect((await call(revokeApiKey, { keyId: victim.id }, secret)).apiKey?.keyId).toBe(victim.id);
  });

  test("is not found when it is another's, like one that never was", async () => {
    const { failure, maker } = scene();
    const [{ secret }, foreign, global] = [await maker("acme"), await maker("other"), await maker(null)];
    const absent = await failure(revokeApiKey, { keyId: "AAAAAAAAAAAAAAAA" }, secret);
    expect(absent).toMatchObject({ code: Code.NOT_FOUND, reason: "API_KEY_NOT_FOUND", retryMs: null });
    for (const { id } of [foreign, global]) {
      const sent = await failure(revokeApiKey, { keyId: id }, secret);
      expect({ ...sent, thrown: null }).toEqual({ ...absent, thrown: null });
    }
  });

  test.each(["", "k".repeat(65), "a\0b"])("is not looked for under %j", async (keyId) => {
    const { failure, maker } = scene();
    const { secret } = await maker("acme");
    const sent = await failure(revokeApiKey, { keyId }, secret);
    expect(sent).toMatchObject({ code: Code.INVALID_ARGUMENT, reason: "FIELD_INVALID" });
    expect(Object.keys(sent.fields)).toEqual(["key_id"]);
  });
});

describe("a list", () => {
  const idsOf = (keys: readonly ApiKey[]) => keys.map(({ keyId }) => keyId);

  test("has the keys of the caller's tenant, by id and in pages", async () => {
    const { call, maker } = scene();
    const own = [await maker("acme"), await maker("acme"), await maker("acme")];
    for (const tenant of ["other", null]) await maker(tenant);
    const ids = own.map(({ id }) => id).toSorted((a, b) => (a < b ? -1 : 1));
    const secret = own[0]?.secret ?? "";
    const whole = await call(listApiKeys, {}, secret);
    expect(idsOf(whole.apiKeys)).toEqual(ids);
    expect(whole.nextPageToken).toBe("");
    const first = await call(listApiKeys, { pageSize: 2 }, secret);
    expect(idsOf(first.apiKeys)).toEqual(ids.slice(0, 2));
    const second = await call(listApiKeys, { pageSize: 2, pageToken: first.nextPageToken }, secret);
    expect(idsOf(second.apiKeys)).toEqual(ids.slice(2));
    expect(second.nextPageToken).toBe("");
    expect((await call(listApiKeys, { pageSize: 3 }, secret)).nextPageToken, "a full last page").toBe("");
  });

  test("has a hundred on a page when nothing is said", async () => {
    const { call, maker } = scene();
    const { secret } = await maker("acme");
    for (let made = 0; made < 100; made++) await maker("acme");
    const page = await call(listApiKeys, {}, secret);
    expect(page.apiKeys).toHaveLength(100);
    expect(page.nextPageToken).not.toBe("");
  });

  test("is of all, or of the tenant that is named, for a caller of every tenant", async () => {
    const { call, maker } = scene();
    const [all, acme] = [await maker(null), await maker("acme")];
    expect(idsOf((await call(listApiKeys, {}, all.secret)).apiKeys).toSorted()).toEqual([all.id, acme.id].toSorted());
    expect(idsOf((await call(listApiKeys, { tenantId: "acme" }, all.secret)).apiKeys)).toEqual([acme.id]);
    expect((await call(listApiKeys, { tenantId: "nobody" }, all.secret)).apiKeys).toEqual([]);
  });

  test("of another tenant is not to be had", async () => {
    const { failure, maker } = scene();
    const { secret } = await maker("acme");
    expect((await failure(listApiKeys, { tenantId: "other" }, secret)).reason).toBe("TENANT_FORBIDDEN");
  });

  test("holds no secret, salt or hash", async () => {
    const { call, maker } = scene();
    const { secret } = await maker("acme");
    const [key] = (await call(listApiKeys, {}, secret)).apiKeys;
    const fields = Object.keys(key ?? {}).filter((name) => !name.startsWith("$"));
    expect(fields).toEqual(["keyId", "tenantId", "roles", "displayName", "createTime"]);
  });

  test.each([
    "!!!",
    "AAAA",
    Buffer.from("not an id: '").toString("base64url"),
    `${Buffer.from("AAAAAAAAAAAAAAAA").toString("base64url")}=`,
    Buffer.from("A".repeat(65)).toString("base64url"),
  ])("refuses %j for a page", async (pageToken) => {
    const { failure, maker } = scene();
    const { secret } = await maker("acme");
    const sent = await failure(listApiKeys, { pageToken }, secret);
    expect(sent).toMatchObject({ code: Code.INVALID_ARGUMENT, reason: "FIELD_INVALID" });
    expect(Object.keys(sent.fields)).toEqual(["page_token"]);
    expect(sent.message).not.toContain(pageToken);
  });
});

describe("who is not let in is told one thing:", () => {
  test.each<[string, (own: ReturnType<typeof scene>) => Promise<string | undefined>]>([
    ["no credential", async () => undefined],
    ["an unknown key", async () => `hf_AAAAAAAAAAAAAAAA.${"A".repeat(43)}`],
    ["a wrong secret", async ({ maker }) => `hf_${(await maker("acme")).id}.${"A".repeat(43)}`],
    [
      "a revoked key",
      async ({ maker, table }) => {
        const { id, secret } = await maker("acme");
        await table.revoke(id, null, { actor: "server", reason: "" });
        return secret;
      },
    ],
    ["a key of 1 MiB", async () => `hf_AAAAAAAAAAAAAAAA.${"A".repeat(1024 * 1024)}`],
  ])("%s", async (_, secretOf) => {
    const own = scene();
    const secret = await secretOf(own);
    const sent = await own.failure(listApiKeys, {}, secret);
    expect(sent).toMatchObject({
      code: Code.UNAUTHENTICATED,
      reason: "CREDENTIALS_INVALID",
      message: CREDENTIALS_INVALID_TEXT,
      fields: {},
      retryMs: null,
    });
    const logged = JSON.stringify([own.observed.handledCalls, loggedError(sent.thrown)]);
    if (secret !== undefined) expect(logged).not.toContain(secret.split(".")[1]?.slice(0, 43));
  });
});

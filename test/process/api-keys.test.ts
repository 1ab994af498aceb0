import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminService, Role } from "../../gen/holdfast/v1/admin_pb.ts";
import { ClaimOutcome, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { serviceDefinition } from "../../src/server/service-definition.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newClaimId, newKey } from "./callers.ts";
import { holdfast, type ServerProcess, startServer } from "./server.ts";

const { claim } = IdempotencyService.method;
const { createApiKey, listApiKeys, registerTenant, revokeApiKey, unregisterTenant } = AdminService.method;

let database: TestDatabase;
/** Two servers on one database. */
let one: ServerProcess;
let two: ServerProcess;
let admin: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const options = { databaseUrl: database.url, args: ["--auth", "api-key"] };
  [one, two] = await Promise.all([startServer(options), startServer(options)]);
  admin = (await holdfast(["admin", "bootstrap", "--database-url", database.url])).stdout.trimEnd();
});

afterAll(async () => {
  await Promise.all([one?.[Symbol.asyncDispose](), two?.[Symbol.asyncDispose]()]);
  await database?.drop();
});

interface Answer<Output extends DescMessage> {
  /** 0 is OK. */
  readonly code: grpc.status;
  readonly message: string;
  readonly response: MessageShape<Output> | undefined;
}

/** One call over gRPC, with what it says of itself. */
function call<Input extends DescMessage, Output extends DescMessage>(
  { grpc: address }: ServerProcess,
  method: DescMethodUnary<Input, Output>,
  request: MessageInitShape<Input>,
  ...authorization: readonly string[]
): Promise<Answer<Output>> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), { "grpc.enable_retries": 0 });
  const described = serviceDefinition(method.parent)[method.localName];
  if (described === undefined) throw new Error(`no method ${method.name}`);
  const { path, requestSerialize, responseDeserialize } = described;
  const metadata = new grpc.Metadata();
  for (const value of authorization) metadata.add("authorization", value);
  return new Promise((resolve) => {
    const message = create(method.input, request);
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, metadata, (error, response) => {
      client.close();
      resolve({
        code: error?.code ?? grpc.status.OK,
        message: error?.details ?? "",
        response: response as MessageShape<Output> | undefined,
      });
    });
  });
}

const bearer = (secret: string) => `Bearer ${secret}`;
const claimOf = () => ({ key: newKey(), claimId: newClaimId() });
const enter = async (server: ServerProcess, secret: string) =>
  (await call(server, claim, claimOf(), bearer(secret))).code;

async function worker(server = one): Promise<{ readonly id: string; readonly secret: string }> {
  const request = { tenantId: "default", roles: [Role.CLAIM, Role.READ] };
  const { response } = await call(server, createApiKey, request, bearer(admin));
  if (response?.apiKey === undefined) throw new Error("no key was made");
  return { id: response.apiKey.keyId, secret: response.secret };
}

test("a key that was made through one server works at once on both, over gRPC and over HTTP", async () => {
  const { secret } = await worker();
  for (const server of [one, two]) {
    const answer = await call(server, claim, claimOf(), bearer(secret));
    expect(answer.response?.outcome).toBe(ClaimOutcome.ACQUIRED);
    const response = await fetch(`${server.http}/${claim.parent.typeName}/${claim.name}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: bearer(secret) },
      body: JSON.stringify(claimOf()),
    });
    expect(await response.json()).toMatchObject({ outcome: "CLAIM_OUTCOME_ACQUIRED" });
  }
});

test("a key that was revoked on one server lets nobody in there, and soon nobody on the other", async () => {
  const { id, secret } = await worker();
  for (const server of [one, two]) expect(await enter(server, secret)).toBe(grpc.status.OK);
  expect((await call(one, revokeApiKey, { keyId: id, reason: "lost" }, bearer(admin))).code).toBe(grpc.status.OK);
  expect(await enter(one, secret)).toBe(grpc.status.UNAUTHENTICATED);
  let code = await enter(two, secret);
  while (code === grpc.status.OK) code = await enter(two, secret);
  expect(code).toBe(grpc.status.UNAUTHENTICATED);
});

test("the keys of a tenant that is forgotten open nothing when its id is registered again", async () => {
  const registration = { tenantId: "passing" };
  await call(one, registerTenant, { registration }, bearer(admin));
  const request = { tenantId: "passing", roles: [Role.CLAIM] };
  const secret = (await call(one, createApiKey, request, bearer(admin))).response?.secret ?? "";
  for (const server of [one, two]) {
    let code = await enter(server, secret);
    // A server that has not heard of the tenant yet does.
    while (code === grpc.status.PERMISSION_DENIED) code = await enter(server, secret);
    expect(code).toBe(grpc.status.OK);
  }
  expect((await call(one, unregisterTenant, { tenantId: "passing" }, bearer(admin))).code).toBe(grpc.status.OK);
  expect((await call(one, registerTenant, { registration }, bearer(admin))).code).toBe(grpc.status.OK);
  for (const server of [one, two]) {
    let code = await enter(server, secret);
    while (code === grpc.status.OK || code === grpc.status.PERMISSION_DENIED) code = await enter(server, secret);
    expect(code).toBe(grpc.status.UNAUTHENTICATED);
  }
});

test("a key does what its roles say and no more", async () => {
  const { id, secret } = await worker();
  expect((await call(one, createApiKey, { roles: [Role.ADMIN] }, bearer(secret))).code).toBe(
    grpc.status.PERMISSION_DENIED,
  );
  expect((await call(one, revokeApiKey, { keyId: id }, bearer(secret))).code).toBe(grpc.status.PERMISSION_DENIED);
  expect((await call(one, claim, claimOf(), bearer(admin))).code, "an admin key is not for work").toBe(
    grpc.status.PERMISSION_DENIED,
  );
});

test("every way to be refused is one answer, and leaves the server serving and its secrets unsaid", async () => {
  const { id, secret } = await worker();
  const revoked = await worker();
  await call(one, revokeApiKey, { keyId: revoked.id }, bearer(admin));
  const wrong = `hf_${id}.${"w".repeat(43)}`;
  const answers = await Promise.all(
    [
      [],
      [""],
      [bearer(`hf_${"A".repeat(16)}.${"a".repeat(43)}`)],
      [bearer(wrong)],
      [bearer(revoked.secret)],
      [bearer(`${secret}${"x".repeat(8000)}`)],
      [bearer("eyJhbGciOiJub25lIn0.e30.")],
      [`Basic ${secret}`],
      [secret],
    ].map((authorization) => call(one, claim, claimOf(), ...authorization)),
  );
  const [first] = answers;
  expect(first).toMatchObject({ code: grpc.status.UNAUTHENTICATED, response: undefined });
  for (const answer of answers) expect(answer).toEqual(first);
  // A header of a megabyte does not get past the transport.
  expect((await call(one, claim, claimOf(), bearer(`hf_${"A".repeat(1024 * 1024)}`))).code).not.toBe(grpc.status.OK);
  expect(await enter(one, secret)).toBe(grpc.status.OK);
  const said = [JSON.stringify(one.lines), one.stderr(), await (await fetch(`${one.http}/metrics`)).text()].join("\n");
  for (const text of [admin, secret, wrong, revoked.secret]) expect(said).not.toContain(text.split(".")[1]);
});

describe("holdfast apikeys", () => {
  const apikeys = (...args: readonly string[]) =>
    holdfast(["apikeys", ...args, "--server", one.grpc], { HOLDFAST_API_KEY: admin });

  test("creates, lists and revokes", async () => {
    const created = await apikeys(
      "create",
      "--tenant",
      "default",
      "--roles",
      "claim",
      "--name",
      "by hand",
      "--lifetime",
      "1h",
    );
    expect(created).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringMatching(/^hf_[A-Za-z0-9]{16}\.\S{43}\n$/),
    });
    const secret = created.stdout.trimEnd();
    const id = secret.slice(3, 19);
    expect(await enter(two, secret)).toBe(grpc.status.OK);

    const listed = await apikeys("list");
    expect(listed.stdout).toMatch(new RegExp(`^${id} +default +claim +by hand +\\S+Z +\\S+Z +-$`, "m"));
    expect(listed.stdout).not.toContain(secret.slice(20));
    const json = JSON.parse((await apikeys("list", "--tenant", "default", "--output", "json")).stdout);
    expect(json.apiKeys).toContainEqual(
      expect.objectContaining({ keyId: id, roles: ["ROLE_CLAIM"], displayName: "by hand" }),
    );
    expect(json.apiKeys.every(({ tenantId }: { tenantId: string }) => tenantId === "default")).toBe(true);

    expect(await apikeys("revoke", id, "--reason", "done")).toMatchObject({
      code: 0,
      stdout: `API key ${id} is revoked.\n`,
    });
    expect(await enter(one, secret)).toBe(grpc.status.UNAUTHENTICATED);
  });

  test("prints what CreateApiKey answers, for scripts", async () => {
    const { stdout } = await apikeys("create", "--roles", "admin,operate", "--output", "json");
    expect(JSON.parse(stdout)).toMatchObject({
      apiKey: { tenantId: "", roles: ["ROLE_OPERATE", "ROLE_ADMIN"] },
      secret: expect.stringMatching(/^hf_/),
    });
  });

  test.each([
    [["revoke", "AAAAAAAAAAAAAAAA"], 4, "API_KEY_NOT_FOUND"],
    [["create", "--roles", "claim", "--tenant", "nobody"], 4, "TENANT_NOT_FOUND"],
    [["create", "--roles", "claim", "--lifetime", "1s"], 2, "DURATION_OUT_OF_RANGE"],
    [["create"], 2, "--roles must be"],
    [["list", "--outptu", "json"], 2, "did you mean --output?"],
  ])("%j fails with %d and says why", async (args, code, explained) => {
    const failed = await apikeys(...args);
    expect(failed).toMatchObject({ code, stdout: "" });
    expect(failed.stderr).toContain(explained);
  });

  test("says what to do when it has no key, or a wrong one, without repeating it", async () => {
    const wrong = `hf_${"A".repeat(16)}.${"c".repeat(43)}`;
    const none = await holdfast(["apikeys", "list", "--server", one.grpc]);
    const refused = await holdfast(["apikeys", "list", "--server", one.grpc], { HOLDFAST_API_KEY: wrong });
    for (const failed of [none, refused]) {
      expect(failed).toMatchObject({ code: 6, stdout: "" });
      expect(failed.stderr).toContain("HOLDFAST_API_KEY");
    }
    expect(refused.stderr).not.toContain("c".repeat(43));
  });
});

test("the list over the wire has no secret in it", async () => {
  const { response } = await call(one, listApiKeys, {}, bearer(admin));
  expect(response?.apiKeys.map(({ keyId }) => keyId)).toContain(admin.slice(3, 19));
  expect(JSON.stringify(response?.apiKeys.map((key) => Object.keys(key)))).not.toMatch(/secret|salt|hash/);
});

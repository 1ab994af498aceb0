import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromJson,
  type JsonValue,
  type MessageInitShape,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { AdminService, Role, type TenantRegistrationSchema } from "../../gen/holdfast/v1/admin_pb.ts";
import { FailKind, IdempotencyService, type LeaseHandle } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { JSON_OPTIONS } from "../../src/server/http-json.ts";
import { createAuthority } from "../support/certificates.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startTcpProxy, type TcpProxy, targetOf } from "../support/tcp-proxy.ts";
import { createCanaryHunt } from "./canary-hunt.ts";
import { type OperatorsDeps, operateRecords } from "./canary-operators.ts";
import { type Canary, MAY_BE_SEEN, NAMES, type Place } from "./canary-places.ts";
import { type HttpServer, type Respond, startHttpServer } from "./http-server.ts";
import { holdfast, type ServerProcess, spawnServer, startServer } from "./server.ts";
import { createSigner } from "./tokens.ts";
import { leaseOf, until } from "./waiting-calls.ts";

const closing = new AsyncDisposableStack();
const authority = createAuthority();
const signer = createSigner();
const stranger = createSigner(signer.kid);
const WHOLE_SPANS = new URL("whole-spans.mjs", import.meta.url).href;
const ISSUER = "https://issuer.example";
const claims = (change: object) => {
  const exp = Math.floor(Date.now() / 1000) + 600;
  return { iss: ISSUER, aud: "holdfast", sub: "somebody", exp, tenant: "plain", ...change };
};

let folder: string;
let database: TestDatabase;
let mainUrl: string;
let main: TcpProxy;
let eu: TcpProxy;
let outside: HttpServer;
let server: ServerProcess;
const routes = new Map<string, Respond>();

const spansFile = () => join(folder, "spans");
const masterKey = randomBytes(32).toString("base64");
const hunt = createCanaryHunt<Canary, Place>(NAMES, {
  "a wrong key": randomBytes(32).toString("base64url"),
  "the master key": masterKey,
  "a master key in a file that is wrong": randomBytes(31).toString("base64"),
});
const { texts, hear, learn } = hunt;
async function sql(url: string, statement: string, values: readonly unknown[] = []) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement, [...values])).rows as readonly Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

/** The same database through a proxy, with a role of the servers' rights that has a password of its own. */
async function withPassword(url: string, proxy: TcpProxy, password: string): Promise<string> {
  const role = `holdfast_canary_${randomBytes(6).toString("hex")}`;
  const owner = inject("postgresUrl");
  const [server] = await sql(url, "select current_user as role");
  await sql(owner, `create role ${role} login password '${password}' in role ${server?.["role"]}`);
  closing.defer(async () => void (await sql(owner, `drop role ${role}`)));
  const anonymous = proxy.url(url).replace(/([?&])(user|password)=[^&]*&?/g, "$1");
  return anonymous.replace(/^(postgres(?:ql)?:\/\/)(?:[^@/]*@)?/, `$1${role}:${password}@`).replace(/[?&]+$/, "");
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-canaries-"));
  closing.defer(() => rm(folder, { recursive: true }));
  database = await createTestDatabase();
  const other = await createTestDatabase();
  closing.defer(() => database.drop());
  closing.defer(() => other.drop());
  [main, eu] = await Promise.all([startTcpProxy(targetOf(database.url)), startTcpProxy(targetOf(other.url))]);
  closing.use(main);
  closing.use(eu);
  routes.set("/jwks", (_, response) => void response.end(JSON.stringify({ keys: [signer.jwk] })));
  outside = closing.use(await startHttpServer(routes));
  const { certPem, keyPem } = authority.issue({ names: ["DNS:localhost", "IP:127.0.0.1"] });
  const files = { "tls.crt": certPem, "tls.key": keyPem, "ca.crt": authority.caPem, master: `first:${masterKey}\n` };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  mainUrl = await withPassword(database.url, main, texts["the password of the main database"]);
  const placement = await withPassword(other.url, eu, texts["the password of the other database"]);
  const gone = `postgres://nobody:${texts["the password of a database that is not there"]}@127.0.0.1:1/gone`;
  const args = [
    ...["--tls-cert", join(folder, "tls.crt"), "--tls-key", join(folder, "tls.key"), "--auth", "api-key,jwt"],
    ...["--jwt-issuer", ISSUER, "--jwt-audience", "holdfast", "--jwt-jwks-url", outside.url("/jwks")],
    ...["--validator-loopback", "--validator-port", String(outside.port), "--log-level", "debug"],
    ...["--master-key-file", join(folder, "master")],
    ...["--placements", `eu=${placement} gone=${gone}`],
  ];
  const printed = await holdfast(["config", "print", "--database-url", mainUrl, ...args]);
  expect(printed).toMatchObject({ code: 0, stdout: expect.stringContaining("***") });
  hear("command line", printed.stdout, printed.stderr);
  const env = { NODE_OPTIONS: `--import=${WHOLE_SPANS}`, TRACE_FILE: spansFile() };
  server = closing.use(await startServer({ databaseUrl: mainUrl, args, env }));
});

afterAll(() => closing.disposeAsync());

interface Raw {
  readonly status: number;
  readonly body: string;
  readonly all: string;
}

async function ask(path: string, body: string | null, headers: Readonly<Record<string, string>> = {}): Promise<Raw> {
  const { hostname: host, port } = new URL(server.http.replace("http:", "https:"));
  const method = body === null ? "GET" : "POST";
  const sent = request({ host, port, path, method, ca: authority.caPem, headers });
  sent.end(body);
  const [response] = await once(sent, "response");
  const answered = await text(response);
  const trailers = JSON.stringify(response.headers);
  const details = [...answered.matchAll(/"value":"([^"]*)"/g)].map(([, value]) => Buffer.from(value ?? "", "base64"));
  const all = [trailers, answered, ...details.map((each) => each.toString("latin1"))].join("\n");
  return { status: response.statusCode ?? 0, body: answered, all };
}

const bearer = (token: string) => ({
  ...{ authorization: `Bearer ${token}`, "content-type": "application/json" },
  ...{ "x-canary": texts["a header"], "user-agent": texts["a header"] },
});

/** A call over JSON that must succeed. */
async function call<I extends DescMessage, O extends DescMessage>(
  who: "plain" | "sealed" | "plain's operator" | "sealed's operator" | "others" | "admin",
  token: string,
  method: DescMethodUnary<I, O>,
  init: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  const body = JSON.stringify(toJson(method.input, create(method.input, init), JSON_OPTIONS));
  const answer = await ask(`/${method.parent.typeName}/${method.name}`, body, bearer(token));
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status: 200 });
  if (who === "others") hear("others' answers", answer.all);
  else hear(`${who}'s answers`, answer.all);
  return fromJson(method.output, JSON.parse(answer.body) as JsonValue, JSON_OPTIONS);
}

/** A call that must fail, on both ports. */
async function refused<I extends DescMessage, O extends DescMessage>(
  token: string,
  method: DescMethodUnary<I, O>,
  init: MessageInitShape<I>,
  expected: RegExp,
): Promise<void> {
  const body = JSON.stringify(toJson(method.input, create(method.input, init), JSON_OPTIONS));
  const answer = await ask(`/${method.parent.typeName}/${method.name}`, body, bearer(token));
  expect(answer.body).toMatch(expected);
  const place = token === admin ? "admin's errors" : "errors";
  hear(place, answer.all);
  const transport = createGrpcTransport({ baseUrl: `https://${server.grpc}`, nodeOptions: { ca: authority.caPem } });
  const thrown = await transport.unary(method, undefined, undefined, bearer(token), init).catch((error) => error);
  expect(thrown).toBeInstanceOf(ConnectError);
  const { message, metadata, details } = thrown as ConnectError;
  hear(place, message, JSON.stringify([...metadata]));
  for (const detail of details) hear(place, "type" in detail ? detail.value : JSON.stringify(detail));
}

function command(token: string, ...args: readonly string[]) {
  return commandIn("command line", token, ...args);
}

async function commandIn(place: Place, token: string, ...args: readonly string[]) {
  const calling = ["--server", server.grpc, "--tls-ca", join(folder, "ca.crt")];
  const said = await holdfast([...args, ...calling], { HOLDFAST_API_KEY: token });
  hear(place, said.stdout, said.stderr);
  return said;
}

const { claim, heartbeat, complete, fail, getRecord, resolveTenant } = IdempotencyService.method;
const { registerTenant, updateTenant, createApiKey, drainTenant, getTenant, recheckTenant } = AdminService.method;
type Registration = MessageInitShape<typeof TenantRegistrationSchema>;
const utf8 = (said: string) => Buffer.from(said);

let admin: string;

/** The commands that make keys print them: that is the one place, and is not listened to. */
async function bootstrap(): Promise<void> {
  const { stdout } = await holdfast(["admin", "bootstrap", "--database-url", mainUrl]);
  admin = stdout.trimEnd();
  learn("admin's key", admin.split(".")[1] ?? "");
}

async function keyOf(tenantId: string, ...given: readonly Role[]): Promise<string> {
  const roles = given.length === 0 ? [Role.CLAIM, Role.READ] : [...given];
  const input = JSON.stringify(toJson(createApiKey.input, create(createApiKey.input, { tenantId, roles })));
  const answer = await ask(`/${AdminService.typeName}/CreateApiKey`, input, bearer(admin));
  return (JSON.parse(answer.body) as { readonly secret: string }).secret;
}

async function register(registration: Registration): Promise<void> {
  const reason = texts["a reason"];
  await call("admin", admin, registerTenant, { registration, awaitFirstValidation: true, reason });
}

/** One record that is completed, one that failed, one in progress; each with everything that a record can hold. */
async function work(who: "plain" | "sealed", token: string): Promise<LeaseHandle> {
  const word = (what: string) => texts[`${who}'s ${what}` as Canary];
  const key = () => ({ scope: word("scope"), key: `${word("record key")}-${randomUUID()}` });
  const fingerprint = { algorithm: "none", digest: utf8(word("fingerprint").slice(0, 24)) };
  const hold = async (of = key()) => {
    const claimed = await call(who, token, claim, {
      ...{ key: of, claimId: randomUUID(), fingerprint, metadata: { what: word("metadata") } },
      ...{ owner: { service: word("owner") }, externalRef: word("reference"), lease: { seconds: 600n } },
    });
    const { handle } = leaseOf(claimed);
    if (handle === undefined) throw new Error("a lease without handle");
    return handle;
  };
  const [completed, failed, held] = [await hold(), await hold(), await hold()];
  const checkpoint = { sequence: 1n, data: utf8(word("checkpoint")), name: "a" };
  for (const handle of [completed, failed, held]) {
    await call(who, token, heartbeat, { handle, checkpoint, progress: { fraction: 0.5, message: word("progress") } });
  }
  const result = { body: { case: "inline", value: utf8(word("result")) } } as const;
  await call(who, token, complete, { handle: completed, result });
  await call(who, token, fail, { handle: failed, kind: FailKind.TERMINAL, error: { code: 3, message: word("error") } });
  for (const { key: of } of [completed, failed, held]) {
    if (of === undefined) throw new Error("a handle without key");
    await call(who, token, claim, { key: of, claimId: randomUUID(), fingerprint });
    await call(who, token, getRecord, { key: of, includeResult: true });
    const other = { algorithm: "none", digest: utf8(texts["a field that is refused"]) };
    await refused(token, claim, { key: of, claimId: randomUUID(), fingerprint: other }, /FINGERPRINT_MISMATCH|"code"/);
  }
  const wrong = { ...held, token: new Uint8Array(16) };
  await refused(token, complete, { handle: wrong, result }, /permission_denied/);
  await refused(
    token,
    complete,
    { handle: completed, result: { body: { case: "inline", value: utf8("other") } } },
    /RESULT/,
  );
  return completed;
}

/** What is done to records at night, over both ports and at a terminal. */
async function mendRecords(who: "plain" | "sealed", claimer: string): Promise<void> {
  const [operator, reader] = [await keyOf(who, Role.OPERATE), await keyOf(who, Role.READ, Role.OPERATE)];
  learn(`${who}'s operator's key`, operator.split(".")[1] ?? "");
  learn(`${who}'s reader's key`, reader.split(".")[1] ?? "");
  const callerOf = (token: string, place: Parameters<typeof call>[0]): OperatorsDeps["operator"] => ({
    call: (method, init) => call(place, token, method, init),
    refused: (...of) => refused(token, ...of),
  });
  await operateRecords(who, {
    texts,
    claimer: callerOf(claimer, who),
    operator: callerOf(operator, `${who}'s operator`),
    reader: callerOf(reader, who),
    command: (...args) => commandIn(`${who}'s command line`, reader, ...args),
    audited: async () => (await audit("list", "--output", "json", "--limit", "1000")).stdout,
  });
}

async function audit(...args: readonly string[]) {
  const said = await holdfast(["audit", ...args, "--database-url", mainUrl]);
  expect(said).toMatchObject({ code: 0 });
  return said;
}

async function failValidations(): Promise<void> {
  const body = texts["a validator's body"];
  const location = `http://10.0.0.1/${texts["where a validator redirects"]}`;
  const answers: Readonly<Record<string, Respond>> = {
    [texts["a tenant's id"]]: (_, response) =>
      void response.writeHead(403, { "x-why": texts["a validator's header"] }).end(body),
    failing: (_, response) => void response.writeHead(500, texts["a validator's header"]).end(body),
    redirecting: (_, response) => void response.writeHead(302, { location }).end(body),
    silent: () => undefined,
    resetting: ({ socket }) => void socket.resetAndDestroy(),
    keyless: (_, response) => void response.end(JSON.stringify({ keys: [body, { kid: body, kty: "oct", k: body }] })),
    broken: (_, response) => void response.end(body),
  };
  for (const [id, respond] of Object.entries(answers)) {
    routes.set(`/${id}`, respond);
    const url = `${outside.url(`/${id}`)}?token=${texts["a validator's query"]}`;
    const kind = /keyless|broken/.test(id) ? "jwksUrl" : "httpUrl";
    await register({ tenantId: id, validator: { kind: { case: kind, value: url } } });
    await call("admin", admin, recheckTenant, { tenantId: id });
    const selector = { case: "tenantId", value: id } as const;
    await call("others", await keyOf(id), resolveTenant, { selector });
    await refused(await keyOf(id), claim, claimOf(), /failed_precondition|unavailable/);
  }
  const validator = { kind: { case: "httpUrl", value: `https://user:${texts["a validator's password"]}@a.example/` } };
  await refused(
    admin,
    registerTenant,
    { registration: { tenantId: "never", validator } as Registration },
    /FIELD|http/,
  );
  const again = `${outside.url("/again")}?token=${texts["a validator's query"]}`;
  const changed = { tenantId: "plain", validator: { kind: { case: "httpUrl", value: again } } } as Registration;
  routes.set("/again", (_, response) => void response.writeHead(410).end(body));
  await refused(admin, updateTenant, { registration: changed }, /validator/);
}

const claimOf = (key = randomUUID() as string) => ({ key: { scope: "s", key }, claimId: randomUUID() });

async function misauthenticate(plainKey: string): Promise<void> {
  const id = plainKey.slice(3, 19);
  const forged = stranger.token(claims({ jti: texts["a claim of a token"], sub: texts["a token's subject"] }));
  learn("a token that is forged", forged.split(".")[2] ?? "");
  const wrong = [
    ...[`hf_${id}.${texts["a wrong key"]}`, `hf_${"A".repeat(16)}.${texts["a wrong key"]}`, texts["a wrong key"]],
    ...[forged, `${forged}.${forged}`],
    signer.token(claims({ exp: 1, jti: texts["a claim of a token"] })),
    signer.token(claims({ aud: texts["a claim of a token"] })),
    signer.token(claims({ tenant: texts["a claim of a token"].repeat(4) })),
    signer.token(claims({ iss: texts["a claim of a token"] })),
    signer.token(claims({}), { kid: texts["a claim of a token"] }),
  ];
  for (const token of wrong) {
    await refused(token, claim, claimOf(), /unauthenticated/);
    await refused(token, registerTenant, { registration: { tenantId: "never" } }, /unauthenticated/);
  }
  for (const token of wrong.slice(0, 4)) expect(await command(token, "tenants", "list")).toMatchObject({ code: 6 });
}

/** Roles of a token, and its name in the audit log. */
async function drainByToken(): Promise<void> {
  const token = signer.token(
    claims({ roles: ["operate"], sub: texts["a token's subject"], jti: texts["a claim of a token"] }),
  );
  learn("a good token", token.split(".")[2] ?? "");
  for (const resume of [false, true]) {
    await call("plain", token, drainTenant, { tenantId: "plain", resume, reason: texts["a reason"] });
    if (!resume) await refused(token, claim, claimOf(), /ROLE|permission_denied/);
  }
}

async function sendNonsense(plainKey: string, otherKey: string): Promise<void> {
  const bad = texts["a field that is refused"];
  const of = { scope: bad.repeat(10), key: bad };
  await refused(plainKey, claim, { key: of, claimId: bad.repeat(9), externalRef: bad.repeat(20) }, /invalid_argument/);
  await refused(plainKey, claim, { ...claimOf(), metadata: { [bad]: bad.repeat(400) } }, /invalid_argument/);
  await refused(otherKey, claim, { ...claimOf(), key: { scope: bad, key: bad, tenant: "plain" } }, /permission_denied/);
  await refused(otherKey, getRecord, { key: { scope: bad, key: bad, tenant: bad } }, /permission_denied/);
  for (const host of [texts["a host of plain"], bad]) {
    await refused(otherKey, resolveTenant, { selector: { case: "host", value: { host } } }, /permission_denied/);
  }
  const issuer = { issuer: texts["an issuer of plain"], subject: bad };
  await refused(otherKey, resolveTenant, { selector: { case: "issuer", value: issuer } }, /permission_denied/);
  const taken = { tenantId: "taker", hosts: [{ host: texts["a host of plain"], path: "" }] };
  await refused(admin, registerTenant, { registration: taken }, /already_exists/);
  const registration = { tenantId: "never", placement: bad, displayName: bad, hosts: [{ host: `${bad} `, path: bad }] };
  await refused(admin, registerTenant, { registration }, /invalid_argument/);
  const headers = bearer(plainKey);
  const paths = [`/${bad}`, `/holdfast.v1.IdempotencyService/${bad}`, `/holdfast.v1.IdempotencyService/Claim?${bad}`];
  for (const path of paths) hear("errors", (await ask(path, `{"${bad}": "${bad}"}`, headers)).all);
  for (const body of [`{"${bad}": 1}`, `["${bad}"`, bad, `{"key": "${bad}"}`]) {
    const answer = await ask("/holdfast.v1.IdempotencyService/Claim", body, headers);
    expect(answer.body).toContain("invalid_argument");
    hear("errors", answer.all);
  }
}

async function overuse(limitedKey: string): Promise<void> {
  const claimed = await call("others", limitedKey, claim, claimOf());
  expect(claimed.detail.case).toBe("acquired");
  await refused(limitedKey, claim, claimOf(texts["a field that is refused"]), /resource_exhausted/);
}

/** A moment without either database. */
async function cutOff(plainKey: string, abroadKey: string): Promise<void> {
  const answers = (key: string) => async () => {
    const body = JSON.stringify({ ...claimOf(), lease: "600s" });
    const answer = await ask("/holdfast.v1.IdempotencyService/Claim", body, bearer(key));
    if (answer.status !== 200) hear("errors", answer.all);
    return answer.status === 200;
  };
  for (const [proxy, key, other] of [
    [eu, abroadKey, plainKey],
    [main, plainKey, abroadKey],
  ] as const) {
    await until(answers(key));
    await until(answers(other));
    await proxy.refuse();
    proxy.cut();
    await until(async () => !(await answers(key)()));
    await refused(key, claim, claimOf(), /unavailable/);
    hear("readyz", (await ask("/readyz", null)).all);
    if (proxy === main) {
      expect(await command(admin, "tenants", "list")).toMatchObject({ code: 3 });
      const migrated = await holdfast(["migrate", "--database-url", mainUrl]);
      expect(migrated.code).not.toBe(0);
      hear("command line", migrated.stdout, migrated.stderr);
    }
    await proxy.accept();
    await until(answers(key));
  }
}

/** What is sealed there does not open any more; whoever may mend it can reset it nevertheless. */
async function spoil(sealedKey: string, { key }: LeaseHandle): Promise<void> {
  if (key === undefined) throw new Error("a handle without key");
  const statement =
    "update holdfast.record set outcome = set_bit(outcome, 300, 1 - get_bit(outcome, 300)) where key = $1";
  await sql(database.url, statement, [key.key]);
  await refused(sealedKey, getRecord, { key, includeResult: true }, /internal/);
  const alarm = "stored content cannot be decrypted";
  expect(await server.logged(alarm)).toMatchObject({ tenant: "sealed" });
  const operator = await keyOf("sealed", Role.READ, Role.OPERATE);
  await refused(operator, AdminService.method.getRecordTimeline, { key }, /internal/);
  const reset = ["keys", "reset", key.key, "--scope", key.scope, "--reason", texts["sealed's reason"], "--yes"];
  expect(await commandIn("sealed's command line", operator, ...reset)).toMatchObject({ code: 0 });
}

async function runCommands(): Promise<void> {
  for (const args of [["list"], ["get", "plain"], ["get", texts["a tenant's id"]], ["list", "--output", "json"]]) {
    expect(await command(admin, "tenants", ...args)).toMatchObject({ code: 0 });
  }
  const bad = texts["a field that is refused"];
  for (const args of [
    ["tenants", "register", "never", "--placement", bad],
    ["tenants", "get", bad],
    ["tenants", "register", "never", "--host", `${bad} x`],
    ["apikeys", "create", "--roles", "claim", "--tenant", bad],
    ["apikeys", "revoke", bad],
  ]) {
    expect(await command(admin, ...args)).toMatchObject({ code: expect.toBeOneOf([2, 4]) });
  }
  for (const args of [["list"], ["list", "--output", "json"]]) {
    expect(await command(admin, "apikeys", ...args)).toMatchObject({ code: 0 });
  }
}

/** Starts that fail, over their settings. */
async function failToStart(): Promise<void> {
  const wrong = join(folder, "wrong");
  await writeFile(wrong, `first:${texts["a master key in a file that is wrong"]}\n`);
  const gone = `postgres://nobody:${texts["the password of a database that is not there"]}@127.0.0.1:1/gone`;
  const starts = [
    { databaseUrl: mainUrl, args: ["--master-key-file", wrong] },
    { databaseUrl: gone, args: ["--database-wait", "0"] },
    { databaseUrl: mainUrl, args: ["--placements", `main=${gone}`] },
    { databaseUrl: mainUrl, args: ["--listen-url", gone.replace("postgres", "mysql")] },
  ];
  const failed = starts.map(async (options) => {
    const start = spawnServer(options);
    expect(await start.exited).not.toMatchObject({ code: 0 });
    expect(start.stderr()).toMatch(/^holdfast: /);
    hear("stderr", start.stderr());
    hear("log", JSON.stringify(start.lines));
  });
  await Promise.all(failed);
}

async function listenToTheRest(): Promise<void> {
  const [metrics, readyz] = [await ask("/metrics", null), await ask("/readyz", null)];
  expect(metrics.body).toContain("holdfast_unopenable_total");
  expect(readyz.body).toContain('"placements"');
  hear("metrics", metrics.all);
  hear("readyz", readyz.all);
  await server.stop();
  hear("log", JSON.stringify(server.lines));
  hear("stderr", server.stderr());
  const spans = await readFile(spansFile(), "utf8");
  expect(spans).toContain("holdfast.v1.AdminService/PurgeRecords");
  hear("spans", spans);
  for (const args of [["list", "--limit", "1000"], ["list", "--limit", "1000", "--output", "json"], ["verify"]]) {
    const { stdout, stderr } = await audit(...args);
    hear("audit command", stdout, stderr);
  }
  const rowsOf = async (table: string, where = "true") =>
    JSON.stringify(await sql(database.url, `select t::text from holdfast.${table} t where ${where}`));
  hear("audit", await rowsOf("audit"));
  for (const tenant of ["plain", "sealed"] as const) {
    for (const table of ["record", "record_event"]) {
      hear(`${tenant}'s records`, await rowsOf(table, `tenant = '${tenant}'`));
    }
  }
  const listed = "select relname from pg_class where relnamespace = 'holdfast'::regnamespace and relkind = 'r'";
  for (const { relname } of await sql(database.url, listed)) {
    if (!["record", "record_event", "audit"].includes(String(relname)))
      hear("other tables", await rowsOf(String(relname)));
  }
}

test("what is secret comes out nowhere, and what is somebody's only where it is theirs", {
  timeout: 240_000,
}, async () => {
  await bootstrap();
  const trusted = { issuer: texts["an issuer of plain"], subject: "", audience: "", jwksUrl: "" };
  const hosts = [{ host: texts["a host of plain"], path: "" }];
  await register({ tenantId: "plain", encrypted: false, hosts, issuers: [trusted] });
  await register({ tenantId: "sealed" });
  await register({ tenantId: "abroad", encrypted: false, placement: "eu" });
  await register({ tenantId: "nowhere", encrypted: false, placement: "gone" });
  await register({ tenantId: "limited", limits: { leases: 1 }, encrypted: false });
  const [plain, sealed, abroad, nowhere, limited] = [
    ...[await keyOf("plain"), await keyOf("sealed"), await keyOf("abroad")],
    ...[await keyOf("nowhere"), await keyOf("limited")],
  ] as const;
  if (!(plain && sealed && abroad && nowhere && limited)) throw new Error("five keys");
  learn("plain's key", plain.split(".")[1] ?? "");

  await work("plain", plain);
  const completed = await work("sealed", sealed);
  await mendRecords("plain", plain);
  await mendRecords("sealed", sealed);
  await call("others", abroad, claim, claimOf());
  await refused(nowhere, claim, claimOf(), /unavailable/);
  await failValidations();
  await misauthenticate(plain);
  await drainByToken();
  await sendNonsense(plain, abroad);
  await overuse(limited);
  await call("admin", admin, getTenant, { tenantId: "plain" });
  await runCommands();
  await spoil(sealed, completed);
  await cutOff(plain, abroad);
  await failToStart();
  await listenToTheRest();

  expect(hunt.sightings()).toEqual(Object.fromEntries(NAMES.map((name) => [name, [...MAY_BE_SEEN[name]].sort()])));
});

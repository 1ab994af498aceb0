import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createAuthority, type IssuedCertificate } from "../support/certificates.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type CommandResult, holdfast, type ServerProcess, startServer } from "./server.ts";

type Env = Readonly<Record<string, string>>;

const authority = createAuthority();
const running: ServerProcess[] = [];
let database: TestDatabase;
let directory: string;

beforeAll(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), "holdfast-health-"));
  await writeFile(fileOf("ca.pem"), authority.caPem);
  // A certificate as servers on a network have it: with a name that is not this machine's.
  await write("public", authority.issue({ names: ["DNS:holdfast.example.org"] }));
  await write("local", authority.issue({ names: ["DNS:localhost"] }));
  await write("private", authority.issue({ names: ["IP:127.0.0.1"] }));
  await write("client", authority.issue({ names: ["DNS:probe.clients.test"], client: true }));
});

afterEach(async () => {
  for (const server of running.splice(0)) await server[Symbol.asyncDispose]();
});

afterAll(async () => {
  await database?.drop();
  await rm(directory, { recursive: true, force: true });
});

function fileOf(name: string): string {
  return join(directory, name);
}

async function write(name: string, { certPem, keyPem }: IssuedCertificate): Promise<void> {
  await writeFile(fileOf(`${name}.pem`), certPem);
  await writeFile(fileOf(`${name}.key`), keyPem);
}

/** Any free port of `host`; everything else is in the environment, as in a container. */
async function serve(host: string, env: Env): Promise<ServerProcess> {
  const server = await startServer({ databaseUrl: database.url, args: ["--http-address", `${host}:0`], env });
  running.push(server);
  return server;
}

/** What the image's HEALTHCHECK runs, without a flag, in the environment of the server. */
function check(host: string, server: ServerProcess, env: Env): Promise<CommandResult> {
  return holdfast(["health"], { ...env, HOLDFAST_HTTP_ADDRESS: `${host}:${server.http.split(":").at(-1)}` });
}

const READY = { code: 0, stdout: expect.stringContaining('"ready":true'), stderr: "" };

const tls = (name: string): Env => ({
  HOLDFAST_TLS_CERT: fileOf(`${name}.pem`),
  HOLDFAST_TLS_KEY: fileOf(`${name}.key`),
});

describe("in the environment of a server, health finds that server ready", () => {
  const keys = { HOLDFAST_AUTH: "api-key" };

  test.each<[string, string, () => Env]>([
    ["that listens on loopback in clear text", "127.0.0.1", () => ({})],
    ["that listens on every address in clear text", "0.0.0.0", () => ({ ...keys, HOLDFAST_ALLOW_PLAINTEXT: "true" })],
    ["that listens on every address with TLS", "0.0.0.0", () => ({ ...keys, ...tls("public") })],
    ["that listens on loopback with TLS", "localhost", () => tls("public")],
    [
      "whose environment also has the authorities for other commands",
      "0.0.0.0",
      () => ({ ...keys, ...tls("public"), HOLDFAST_TLS_CA: fileOf("ca.pem") }),
    ],
  ])("%s", async (_, host, env) => {
    const server = await serve(host, env());
    expect(await check(host, server, env())).toMatchObject(READY);
    await server.stop();
    expect(await check(host, server, env())).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^holdfast: no answer from https?:\/\/127\.0\.0\.1:\d+\/readyz: nothing listens there; .*\n$/,
      ),
    });
  });

  test("that wants to see a certificate, and is told what to do without one", async () => {
    const env = {
      ...{ ...tls("private"), HOLDFAST_AUTH: "mtls", HOLDFAST_TLS_CLIENT_CA: fileOf("ca.pem") },
      HOLDFAST_CERTIFICATE_TENANT: "DNS:{tenant}.clients.test",
    };
    const server = await serve("0.0.0.0", env);
    const shown = { HOLDFAST_CLIENT_CERT: fileOf("client.pem"), HOLDFAST_CLIENT_KEY: fileOf("client.key") };
    expect(await check("0.0.0.0", server, { ...env, ...shown })).toMatchObject(READY);
    expect(await check("0.0.0.0", server, env)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^holdfast: no answer from https.*--client-cert and --client-key\n$/),
    });
    // The same for those who call it: whoever is let in is told what the server thinks of the call, not of the connection.
    const call = (more: Env) =>
      holdfast(["tenants", "list", "--server", server.grpc], { HOLDFAST_TLS_CA: fileOf("ca.pem"), ...more });
    expect(await call(shown)).toMatchObject({ code: 6, stderr: expect.stringContaining("(ROLE_REQUIRED)") });
    expect((await call({})).stderr).toMatch(/^holdfast: no answer from .*--client-cert and --client-key\n$/);
  });
});

describe("over TLS, health believes", () => {
  test("a certificate of its own authorities that holds localhost, for an address of this machine", async () => {
    const server = await serve("127.0.0.1", tls("local"));
    expect(await check("127.0.0.1", server, { HOLDFAST_TLS_CA: fileOf("ca.pem") })).toMatchObject(READY);
    expect(await check("localhost", server, { HOLDFAST_TLS_CA: fileOf("ca.pem") })).toMatchObject(READY);
  });

  test("no certificate with another key than that of --tls-cert, and no other name", async () => {
    const server = await serve("127.0.0.1", tls("public"));
    expect(await check("127.0.0.1", server, tls("local"))).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("has another key than the certificate of --tls-cert (HOLDFAST_TLS_CERT)"),
    });
    expect(await check("127.0.0.1", server, { HOLDFAST_TLS_CA: fileOf("ca.pem") })).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("its certificate does not hold the name 127.0.0.1"),
    });
  });
});

describe("health says what is wrong, and what to do next", () => {
  test("when a server speaks TLS and nobody said so", async () => {
    const server = await serve("127.0.0.1", tls("public"));
    expect((await check("127.0.0.1", server, {})).stderr).toMatch(
      /: it has closed the connection: probably it speaks TLS; name its authority with --tls-ca, .*\n$/,
    );
  });

  test("when it does not speak TLS, or what listens is its gRPC port", async () => {
    const server = await serve("127.0.0.1", {});
    const asked = (address: string, ...args: readonly string[]) =>
      holdfast(["health", "--http-address", address, ...args]).then(({ stderr }) => stderr);
    expect(await asked(server.http.replace("http://", ""), "--tls")).toMatch(
      /: it does not speak TLS; leave out .*--tls-ca.*\n$/,
    );
    expect(await asked(server.grpc)).toMatch(/: it does not speak HTTP: perhaps it is the gRPC port of a server.*\n$/);
  });

  test("when files cannot be used, before anybody is asked", async () => {
    const nowhere = ["health", "--http-address", "127.0.0.1:1"];
    const [missing, noCertificate, foreign] = await Promise.all([
      holdfast([...nowhere, "--tls-cert", "/does/not/exist"]),
      holdfast([...nowhere, "--tls-cert", fileOf("client.key")]),
      holdfast([...nowhere, "--client-cert", fileOf("client.pem"), "--client-key", fileOf("public.key")]),
    ]);
    expect(missing).toMatchObject({
      code: 1,
      stderr: "holdfast: --tls-cert cannot be read (ENOENT): /does/not/exist\n",
    });
    expect(noCertificate.stderr).toMatch(/^holdfast: --tls-cert holds no certificate in PEM that can be read: /);
    expect(foreign.stderr).toBe("holdfast: --client-key is not the key of --client-cert\n");
  });
});

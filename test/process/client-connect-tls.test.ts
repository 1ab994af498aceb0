import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ClientOptions, createClient } from "../../src/client/client.ts";
import { createAuthority } from "../support/certificates.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type ServerProcess, startServer } from "./server.ts";

const authority = createAuthority();
let database: TestDatabase;
let server: ServerProcess;
let directory: string;

beforeAll(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), "holdfast-connect-tls-"));
  const { certPem, keyPem } = authority.issue({ names: ["DNS:holdfast.test", "IP:127.0.0.1"] });
  const [cert, key, ca] = ["tls.crt", "tls.key", "ca.crt"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await Promise.all([writeFile(cert, certPem), writeFile(key, keyPem), writeFile(ca, authority.caPem)]);
  const mtls = ["--auth", "mtls,api-key", "--tls-client-ca", ca, "--certificate-tenant", "DNS:{tenant}.clients.test"];
  server = await startServer({ databaseUrl: database.url, args: ["--tls-cert", cert, "--tls-key", key, ...mtls] });
});

afterAll(async () => {
  await server?.stop();
  await database?.drop();
  await rm(directory, { recursive: true });
});

function client(tls: ClientOptions["tls"]) {
  const { host } = new URL(server.http);
  return createClient({ address: host, transport: "connect", ...(tls && { tls }), retry: { totalTimeoutMs: 500 } });
}

/** Of nobody that the server knows: how far a call got is told by who refuses it. */
async function refusal(tls: ClientOptions["tls"]): Promise<string> {
  await using holdfast = client(tls);
  return await holdfast
    .once({ scope: "tls", key: "a", input: null }, () => 1)
    .then(String, (error: Error) => error.message);
}

test("a certificate is checked against the authority, and the name that it must hold", async () => {
  const ca = authority.caPem;
  expect(await refusal({ ca })).toMatch(/^CREDENTIALS_INVALID/);
  expect(await refusal({ ca, serverName: "holdfast.test" })).toMatch(/^CREDENTIALS_INVALID/);
  expect(await refusal({ ca, serverName: "127.0.0.1" })).toMatch(/^CREDENTIALS_INVALID/);
  expect(await refusal({ ca, serverName: "other.test" })).toMatch(/no server answered.*other\.test/);
  expect(await refusal({ ca, serverName: "127.0.0.2" })).toMatch(/no server answered.*127\.0\.0\.2/);
  expect(await refusal(true)).toMatch(/no server answered.*certificate/);
  expect(await refusal({ ca: createAuthority().caPem })).toMatch(/no server answered.*certificate/);
  expect(await refusal(undefined)).toMatch(/no server answered/);
});

test("a certificate of the client says who it is", async () => {
  const { certPem, keyPem } = authority.issue({ names: ["DNS:default.clients.test"], client: true });
  const message = await refusal({ ca: authority.caPem, cert: certPem, key: keyPem });
  // The tenant is known by the certificate; that nobody has registered it is the next thing there is to say.
  expect(message).not.toMatch(/CREDENTIALS_INVALID|no server answered/);
});

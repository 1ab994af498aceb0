import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority } from "../support/certificates.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { holdfast, startServer } from "./server.ts";

const authority = createAuthority();
let database: TestDatabase;
let directory: string;
beforeAll(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), "holdfast-doctor-"));
});
afterAll(async () => {
  await database?.drop();
  await rm(directory, { recursive: true, force: true });
});

interface Said {
  readonly check: string;
  readonly level: string;
  readonly sentence: string;
}

/** What is said of the server, run as in its container: with its settings in the environment. */
async function ofServer(env: Readonly<Record<string, string>>): Promise<readonly Said[]> {
  const { stdout, stderr } = await holdfast(["doctor", "--output", "json"], {
    HOLDFAST_DATABASE_URL: database.url,
    ...env,
  });
  expect(stderr).toBe("");
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly (Said & { readonly of: string })[] };
  return findings.filter(({ of }) => of === "server");
}

const portOf = (address: string) => address.split(":").at(-1);

test("a server that runs is asked, and the certificate that it uses is judged", async () => {
  const { certPem, keyPem } = authority.issue({ names: ["IP:127.0.0.1"], days: 10 });
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  await writeFile(cert, certPem);
  await writeFile(key, keyPem);
  const env = { HOLDFAST_TLS_CERT: cert, HOLDFAST_TLS_KEY: key };
  await using server = await startServer({ databaseUrl: database.url, env });
  const address = { HOLDFAST_HTTP_ADDRESS: `127.0.0.1:${portOf(server.http)}` };
  expect(await ofServer({ ...env, ...address })).toEqual([
    expect.objectContaining({
      check: "certificate",
      level: "warning",
      sentence: expect.stringMatching(/^The certificate that the server uses expires in \d days/),
    }),
    expect.objectContaining({
      check: "certificate",
      level: "warning",
      sentence: expect.stringMatching(/^The certificate of --tls-cert expires in \d days/),
    }),
    expect.objectContaining({ check: "server", level: "ok", sentence: "It is ready." }),
  ]);
});

test("a certificate that has expired, or cannot be read, is a problem without any server", async () => {
  const file = join(directory, "expired.pem");
  await writeFile(file, authority.issue({ names: ["DNS:localhost"], days: -1 }).certPem);
  const address = { HOLDFAST_HTTP_ADDRESS: "127.0.0.1:1" };
  expect(await ofServer({ ...address, HOLDFAST_TLS_CERT: file })).toContainEqual(
    expect.objectContaining({
      check: "certificate",
      level: "problem",
      sentence: expect.stringContaining("expired on"),
    }),
  );
  await writeFile(file, "no certificate");
  expect(await ofServer({ ...address, HOLDFAST_TLS_CERT: file })).toContainEqual(
    expect.objectContaining({
      check: "certificate",
      level: "problem",
      sentence: expect.stringContaining("cannot be read"),
    }),
  );
});

test("a server that was named and does not answer is a warning, and nobody is missed who was not named", async () => {
  expect(await ofServer({ HOLDFAST_HTTP_ADDRESS: "127.0.0.1:1" })).toEqual([
    expect.objectContaining({
      check: "server",
      level: "warning",
      sentence: expect.stringContaining("nothing listens there"),
    }),
  ]);
});

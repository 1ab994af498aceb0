import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ClientOptions, createClient, type Holdfast } from "../../src/client/client.ts";
import { createAuthority, type IssuedCertificate } from "../support/certificates.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newKey } from "./callers.ts";
import { holdfast, type ServerProcess, spawnServer, startServer } from "./server.ts";

const authority = createAuthority();
const ca = authority.caPem;
const issue = () => authority.issue({ names: ["DNS:localhost", "IP:127.0.0.1"] });
const opened: (() => unknown)[] = [];
let database: TestDatabase;
let directory: string;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database?.drop());

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "holdfast-tls-"));
  await writeFile(fileOf("ca.crt"), ca);
  await replace(issue());
});

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
  await rm(directory, { recursive: true });
});

function fileOf(name: string): string {
  return join(directory, name);
}

async function replace({ certPem, keyPem }: IssuedCertificate): Promise<void> {
  for (const [name, pem] of [
    ["tls.crt", certPem],
    ["tls.key", keyPem],
  ] as const) {
    await writeFile(fileOf("new"), pem);
    await rename(fileOf("new"), fileOf(name));
  }
}

function tlsArgs(): readonly string[] {
  return ["--tls-cert", fileOf("tls.crt"), "--tls-key", fileOf("tls.key")];
}

/** Callers need a certificate, or may have one. */
function mtlsArgs(auth: "mtls" | "mtls,api-key"): readonly string[] {
  const names = ["--certificate-tenant", "DNS:{tenant}.clients.test"];
  return [...tlsArgs(), "--auth", auth, "--tls-client-ca", fileOf("ca.crt"), ...names];
}

async function start(args = tlsArgs()): Promise<ServerProcess> {
  const server = await startServer({ databaseUrl: database.url, args });
  opened.push(() => server[Symbol.asyncDispose]());
  return server;
}

function client({ grpc }: ServerProcess, options: Partial<ClientOptions> = {}): Holdfast {
  const made = createClient({ address: grpc, tls: { ca }, retry: { totalTimeoutMs: 2000 }, ...options });
  opened.push(() => made.close());
  return made;
}

function hostAndPort(address: string) {
  const { hostname: host, port } = new URL(address.includes("://") ? address : `http://${address}`);
  return { host, port: Number(port) };
}

/** The status and body of a page, asked for over a connection of its own. */
async function page({ http }: ServerProcess, path: string, shown: object = {}) {
  const agent = new Agent({ ca, ...shown });
  const sent = request({ ...hostAndPort(http), path, agent });
  sent.end();
  const [response] = await once(sent, "response");
  return { status: response.statusCode as number, body: await text(response) };
}

async function serialNumberAt(address: string): Promise<string | undefined> {
  const socket = connectTls({ ...hostAndPort(address), ca, ALPNProtocols: ["h2", "http/1.1"] });
  await once(socket, "secureConnect");
  const serialNumber = socket.getPeerX509Certificate()?.serialNumber;
  socket.destroy();
  return serialNumber;
}

const work = () => ({ ...newKey(), input: null });

describe("a server with a certificate", () => {
  test("serves gRPC and HTTP over TLS, and says so in its log", async () => {
    const server = await start();
    expect(await server.logged("listening")).toMatchObject({ tls: true });
    expect(await client(server).once(work(), () => 7)).toMatchObject({ value: 7 });
    expect(await page(server, "/livez")).toEqual({ status: 200, body: '{"live":true}\n' });
    const notAfter = /^holdfast_tls_certificate_not_after_seconds \d{10}$/m;
    expect((await page(server, "/metrics")).body).toMatch(notAfter);
  });

  test("is not spoken to by who trusts another authority", async () => {
    const server = await start();
    const other = createAuthority("Another").caPem;
    const stranger = client(server, { tls: { ca: other }, retry: { totalTimeoutMs: 100 } });
    await expect(stranger.once(work(), () => 7)).rejects.toThrow(/unable to verify|unable to get/);
    await expect(page(server, "/livez", { ca: other })).rejects.toThrow(/unable to verify|unable to get/);
  });

  test("closes connections in clear text on both ports, and those of old versions", async () => {
    const server = await start();
    for (const address of [server.grpc, server.http]) {
      const { host, port } = hostAndPort(address);
      const plain = connect(port, host).on("error", () => undefined);
      plain.resume().write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      await once(plain, "close");
      const version = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
      const [error] = await once(connectTls({ host, port, ca, ...version }), "error");
      expect(error.code).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    }
    expect((await page(server, "/livez")).status).toBe(200);
  });

  test("gives a new one to new connections while a stream that is open goes on", async () => {
    const server = await start();
    const { rpc, once: runOnce } = client(server);
    const piece = work();
    const events = rpc.waitFor({ targets: [{ key: { scope: piece.scope, key: piece.key } }] })[Symbol.asyncIterator]();
    await events.next();
    const before = await serialNumberAt(server.grpc);
    await replace(issue());
    const { notAfter } = await server.logged("took up the changed TLS files");
    expect(notAfter).toMatch(/^20\d\d-/);
    for (const address of [server.grpc, server.http]) expect(await serialNumberAt(address)).not.toBe(before);
    expect(await runOnce(piece, () => 7)).toMatchObject({ value: 7 });
    expect((await events.next()).value?.event.case).toBeDefined();
    expect(await client(server).result(piece)).toBe(7);
  });

  test("keeps the old one when the new one cannot be used, and says why", async () => {
    const server = await start();
    const before = await serialNumberAt(server.grpc);
    await writeFile(fileOf("tls.key"), issue().keyPem);
    const { level, reason } = await server.logged("the changed TLS files cannot be used; the old ones stay in force");
    expect({ level, reason }).toEqual({ level: "warn", reason: expect.stringContaining("--tls-key") });
    for (const address of [server.grpc, server.http]) expect(await serialNumberAt(address)).toBe(before);
  });

  test("stops without waiting for who has connected and says nothing", async () => {
    // Less than a handshake may take: who waited for one would have to cut it off, and say so by its exit code.
    const server = await start([...tlsArgs(), "--drain-grace", "5s"]);
    for (const address of [server.grpc, server.http]) {
      const { host, port } = hostAndPort(address);
      const silent = connect(port, host).on("error", () => undefined);
      opened.push(() => silent.destroy());
      await once(silent, "connect");
      // Over another connection, so that the silent one has been accepted.
      await serialNumberAt(address);
    }
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test("is found ready by `holdfast health` over TLS, and by no other way", async () => {
    const server = await start();
    const address = ["--http-address", server.http.replace("http://", "")];
    const [right, clear, unknown, wrong] = await Promise.all([
      holdfast(["health", ...address, "--tls-ca", fileOf("ca.crt")]),
      holdfast(["health", ...address]),
      holdfast(["health", ...address, "--tls"]),
      holdfast(["health", ...address, "--tls-ca", fileOf("tls.key")]),
    ]);
    expect(right).toMatchObject({ code: 0, stdout: expect.stringContaining('"ready":true') });
    expect(clear).toMatchObject({ code: 1, stderr: expect.stringContaining("probably it speaks TLS") });
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("name its authority with --tls-ca") });
    expect(wrong).toMatchObject({ code: 1, stderr: "holdfast: --tls-ca must hold certificates in PEM\n" });
  });
});

test("files that do not go together end the start with one sentence", async () => {
  const { keyPem } = issue();
  await writeFile(fileOf("tls.key"), keyPem);
  const server = spawnServer({ databaseUrl: database.url, args: tlsArgs() });
  expect(await server.exited).toEqual({ code: 1, signal: null });
  expect(server.stderr()).toMatch(/^holdfast: the file of --tls-key \(HOLDFAST_TLS_KEY\) is not the key of .*\n$/);
  expect(server.stderr() + JSON.stringify(server.lines)).not.toContain(keyPem.split("\n")[1]);
});

describe.each(["mtls", "mtls,api-key"] as const)("a server with --auth %s", (auth) => {
  const shownBy = ({ certPem, keyPem }: IssuedCertificate) => ({ cert: certPem, key: keyPem });
  const names = ["DNS:acme.clients.test"];

  /** Whether a connection is let in, as both ports see it. */
  async function isLetIn(server: ServerProcess, shown: { cert?: string; key?: string } = {}): Promise<boolean> {
    const overHttp = await page(server, "/livez", shown).then(
      ({ status }) => status === 200,
      () => false,
    );
    const channel = client(server, { tls: { ca, ...shown }, retry: { totalTimeoutMs: 500 } });
    const error = await channel.rpc.getRecord({}, { timeoutMs: 5000 }).catch((thrown) => thrown);
    // Whatever the server itself says of an empty request; what it does not answer is UNAVAILABLE.
    const overGrpc = !/no server answered/.test(String(error.rawMessage));
    expect(overGrpc).toBe(overHttp);
    return overHttp;
  }

  test("lets in who shows a certificate of its authorities, and nobody with another one", async () => {
    const server = await start(mtlsArgs(auth));
    expect(await isLetIn(server, shownBy(authority.issue({ names, client: true })))).toBe(true);
    const untrusted = createAuthority("Another").issue({ names, client: true });
    expect(await isLetIn(server, shownBy(untrusted))).toBe(false);
    expect(await isLetIn(server, shownBy(authority.issue({ names, client: true, days: -1 })))).toBe(false);
    expect(await isLetIn(server, shownBy(authority.issue({ names })))).toBe(false);
  });

  test(auth === "mtls" ? "lets nobody in without one" : "lets in who has none", async () => {
    const server = await start(mtlsArgs(auth));
    expect(await isLetIn(server)).toBe(auth !== "mtls");
  });

  test("takes the tenant from the certificate, and no call for another's", async () => {
    const server = await start(mtlsArgs(auth));
    const shown = (name: string) => ({ tls: { ca, ...shownBy(authority.issue({ names: [name], client: true })) } });
    const ours = client(server, shown("DNS:default.clients.test"));
    expect(await ours.once(work(), () => 7)).toMatchObject({ value: 7 });
    const other = client(server, { ...shown("DNS:acme.clients.test"), tenant: "default" });
    await expect(other.once(work(), () => 7)).rejects.toMatchObject({ reason: "TENANT_FORBIDDEN" });
    const nobody = client(server, shown("DNS:default.clients.test.example.org"));
    await expect(nobody.once(work(), () => 7)).rejects.toMatchObject({ reason: "CREDENTIALS_INVALID" });
  });

  test("believes changed authorities without a restart", async () => {
    const server = await start(mtlsArgs(auth));
    const other = createAuthority("Another");
    await writeFile(fileOf("ca.crt"), other.caPem);
    await server.logged("took up the changed TLS files");
    expect(await isLetIn(server, shownBy(other.issue({ names, client: true })))).toBe(true);
    expect(await isLetIn(server, shownBy(authority.issue({ names, client: true })))).toBe(false);
  });
});

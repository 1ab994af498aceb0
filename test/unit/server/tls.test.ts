import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SecureContextOptions } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { wallClockMs } from "../../../src/clock.ts";
import { loadTls, type TlsDeps } from "../../../src/server/tls.ts";
import type { Log, LogFields } from "../../../src/telemetry/log.ts";
import { createAuthority } from "../../support/certificates.ts";
import { createManualClock } from "../store/manual-clock.ts";

const authority = createAuthority();
const server = { names: ["DNS:localhost"] };
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Written {
  readonly cert: string;
  readonly key: string;
  readonly clientCa?: string;
}

/** A directory with a set of files, and the settings that name them. */
async function filesWith({ cert, key, clientCa }: Written) {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-tls-"));
  opened.push(() => rm(directory, { recursive: true }));
  const config = {
    auth: clientCa === undefined ? null : (["mtls"] as const),
    tlsCert: join(directory, "tls.crt"),
    tlsKey: join(directory, "tls.key"),
    tlsClientCa: clientCa === undefined ? null : join(directory, "ca.crt"),
  };
  const write = async (written: Partial<Written>) => {
    for (const [name, text] of [
      ["tls.crt", written.cert],
      ["tls.key", written.key],
      ["ca.crt", written.clientCa],
    ] as const) {
      if (text === undefined) continue;
      // As everybody should who replaces a file that is read.
      await writeFile(join(directory, "new"), text);
      await rename(join(directory, "new"), join(directory, name));
    }
  };
  await write({ cert, key, ...(clientCa !== undefined && { clientCa }) });
  return { directory, config, write };
}

function good(): Written {
  const { certPem, keyPem } = authority.issue(server);
  return { cert: certPem, key: keyPem };
}

/** A log that keeps its lines, and a way to wait for the next one. */
function createKeptLog() {
  const lines: { readonly message: string; readonly fields: LogFields }[] = [];
  const waiting: (() => void)[] = [];
  const keep = (fields: LogFields, message: string) => {
    lines.push({ message, fields });
    for (const wake of waiting.splice(0)) wake();
  };
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep, isLevelEnabled: () => true };
  return { log, lines, next: () => new Promise<void>((resolve) => waiting.push(resolve)) };
}

/** A wall clock that goes with the other one. */
function depsOf(clock = createManualClock(), log = createKeptLog().log) {
  const originMs = wallClockMs() - clock.monotonicMs();
  return { clock, log, wallClockMs: () => originMs + clock.monotonicMs() };
}

async function loaded(written: Written, deps: Partial<TlsDeps> = {}) {
  const files = await filesWith(written);
  const clock = createManualClock();
  const kept = createKeptLog();
  const tls = await loadTls(files.config, { ...depsOf(clock, kept.log), ...deps });
  if (tls === null) throw new Error("no TLS");
  opened.push(() => tls[Symbol.dispose]());
  const changes: SecureContextOptions[] = [];
  tls.onChange((changed) => changes.push(changed));
  /** One look, to the end of what it reads. */
  const look = async () => {
    await clock.advance(2000);
    while (clock.sleepers === 0) await clock.turn();
  };
  return { ...files, ...kept, clock, tls, changes, look };
}

describe("files that cannot be used end the start with a sentence that names the option:", () => {
  const { cert, key } = good();
  const other = good();
  const locked = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
    ...{ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" },
  });
  const weak = generateKeyPairSync("rsa", { modulusLength: 512 }).privateKey.export({ type: "pkcs8", format: "pem" });

  test.each<[string, Written, RegExp]>([
    ["no certificate", { cert: "", key }, /--tls-cert .* holds no certificate in PEM$/],
    ["the key where the certificate belongs", { cert: key, key }, /--tls-cert .* holds no certificate in PEM$/],
    [
      "a certificate that is cut off",
      { cert: cert.replace(/.{80}(?=\n-----END)/s, ""), key },
      /--tls-cert .* holds a certificate that cannot be read$/,
    ],
    ["no key", { cert, key: "" }, /--tls-key .* holds no private key in PEM$/],
    ["a locked key", { cert, key: String(locked) }, /--tls-key .* is locked by a passphrase/],
    ["another key", { cert, key: other.key }, /--tls-key .* is not the key of the certificate in --tls-cert/],
    ["another kind of key", { cert, key: String(weak) }, /--tls-key .* is not the key of the certificate/],
    ["no authority", { cert, key, clientCa: "" }, /--tls-client-ca .* holds no certificate in PEM$/],
    [
      "a second authority that is garbage",
      { cert, key, clientCa: `${authority.caPem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` },
      /--tls-client-ca .* holds a certificate that cannot be read$/,
    ],
    ["too much", { cert: `${cert}${" ".repeat(1024 * 1024)}`, key }, /--tls-cert .* has more than 1048576 bytes$/],
  ])("%s", async (_what, written, sentence) => {
    const { config, directory } = await filesWith(written);
    const { log } = createKeptLog();
    const error = await loadTls(config, depsOf(createManualClock(), log)).catch((thrown) => thrown);
    expect(error).toMatchObject({ name: "OperatorError", message: expect.stringMatching(sentence) });
    expect(error.message).not.toContain(directory);
    expect(error.message).not.toContain("BEGIN");
  });

  test.each([
    ["tlsCert", "--tls-cert"],
    ["tlsKey", "--tls-key"],
    ["tlsClientCa", "--tls-client-ca"],
  ] as const)("%s that is not there, or a directory", async (option, name) => {
    const { config, directory } = await filesWith({ ...good(), clientCa: authority.caPem });
    const deps = depsOf();
    for (const [path, code] of [
      [join(directory, "absent"), "ENOENT"],
      [directory, "EISDIR"],
      // What somebody may take for a place for the key itself.
      [key, "ENAMETOOLONG|ENOENT"],
    ]) {
      const error = await loadTls({ ...config, [option]: path }, deps).catch((thrown) => thrown);
      expect(error.message).toMatch(
        new RegExp(`^the file of ${name} \\(HOLDFAST_TLS_.*\\) cannot be read: (${code})$`),
      );
    }
  });

  test("authorities for certificates that nobody is asked for", async () => {
    const { config } = await filesWith({ ...good(), clientCa: authority.caPem });
    const loading = loadTls({ ...config, auth: ["api-key"] }, depsOf());
    await expect(loading).rejects.toThrow(/^--tls-client-ca .* has an effect only with mtls in --auth/);
  });
});

test("without a certificate there is no TLS", async () => {
  const config = { auth: null, tlsCert: null, tlsKey: null, tlsClientCa: null };
  expect(await loadTls(config, depsOf())).toBe(null);
});

test.each([
  [["mtls"], "required"],
  [["mtls", "api-key"], "optional"],
  [["api-key", "mtls"], "optional"],
] as const)("with --auth %s a client's certificate is %s", async (auth, expected) => {
  const { config } = await filesWith({ ...good(), clientCa: authority.caPem });
  using tls = await loadTls({ ...config, auth }, depsOf());
  expect(tls?.clientCertificates).toBe(expected);
});

test("a certificate that has expired is used, and the log says so", async () => {
  const { certPem, keyPem } = authority.issue({ ...server, days: -1 });
  const { tls, lines } = await loaded({ cert: certPem, key: keyPem });
  expect(tls.current.key).toBe(keyPem);
  expect(lines).toMatchObject([
    { message: "the TLS certificate has expired", fields: { notAfter: expect.any(String) } },
  ]);
});

test("it is known until when the certificate is valid, of the one that is in force", async () => {
  const { tls, look, write } = await loaded(good());
  const first = tls.notAfter;
  const { certPem, keyPem } = authority.issue({ ...server, days: 1 });
  expect(first.getTime()).toBe(new X509Certificate(tls.current.cert as string).validToDate.getTime());
  await write({ cert: certPem, key: keyPem });
  for (let i = 0; i < 2; i++) await look();
  expect(tls.notAfter).toEqual(new X509Certificate(certPem).validToDate);
  expect(tls.notAfter < first).toBe(true);
});

test("a certificate that expires while the server runs is told of by the next look", async () => {
  const { certPem, keyPem } = authority.issue({ ...server, days: 30 });
  let nowMs = wallClockMs();
  const { lines, look } = await loaded({ cert: certPem, key: keyPem }, { wallClockMs: () => nowMs });
  await look();
  expect(lines).toEqual([]);
  const messages = ["the TLS certificate expires within a week", "the TLS certificate has expired"];
  for (const [index, days] of [24, 7].entries()) {
    nowMs += days * 24 * 60 * 60_000;
    for (let i = 0; i < 3; i++) await look();
    expect(lines.map(({ message }) => message)).toEqual(messages.slice(0, index + 1));
  }
});

describe("changed files", () => {
  test("are taken up when two looks have seen the same, and the log says until when they hold", async () => {
    const { tls, changes, lines, look, write } = await loaded(good());
    const next = good();
    await write(next);
    await look();
    expect(changes).toEqual([]);
    await look();
    expect(changes).toMatchObject([{ key: next.key }]);
    expect(tls.current).toMatchObject({ key: next.key });
    expect(lines).toMatchObject([
      { message: "took up the changed TLS files", fields: { notAfter: expect.stringMatching(/^20\d\d-/) } },
    ]);
    await look();
    expect(changes).toHaveLength(1);
  });

  test("of which one comes late are not met half way", async () => {
    const { changes, lines, look, write } = await loaded(good());
    const next = good();
    await write({ cert: next.cert });
    await look();
    await write({ key: next.key });
    await look();
    await look();
    expect(changes).toMatchObject([{ key: next.key }]);
    expect(lines).toHaveLength(1);
  });

  test("that cannot be used are kept out with one warning, until they can", async () => {
    const before = good();
    const { tls, changes, lines, look, write } = await loaded(before);
    const next = good();
    await write({ cert: next.cert });
    for (let i = 0; i < 5; i++) await look();
    expect(changes).toEqual([]);
    expect(tls.current).toMatchObject({ key: before.key });
    expect(lines).toMatchObject([
      {
        message: "the changed TLS files cannot be used; the old ones stay in force",
        fields: { reason: expect.stringMatching(/--tls-key .* is not the key/) },
      },
    ]);
    await write({ key: next.key });
    for (let i = 0; i < 2; i++) await look();
    expect(changes).toMatchObject([{ key: next.key }]);
    expect(lines).toHaveLength(2);
  });

  test("that vanish and come back as they were are worth a warning, and no change", async () => {
    const before = good();
    const { config, changes, lines, look, write } = await loaded(before);
    await rm(config.tlsCert);
    for (let i = 0; i < 3; i++) await look();
    expect(lines.map(({ fields }) => fields["reason"])).toEqual([expect.stringMatching(/cannot be read: ENOENT$/)]);
    await write({ cert: before.cert });
    for (let i = 0; i < 3; i++) await look();
    expect(changes).toEqual([]);
    expect(lines).toHaveLength(1);
  });

  test("may be the authorities alone", async () => {
    const { changes, look, write } = await loaded({ ...good(), clientCa: authority.caPem });
    const { caPem } = createAuthority("Another");
    await write({ clientCa: caPem });
    for (let i = 0; i < 2; i++) await look();
    expect(changes).toMatchObject([{ ca: caPem }]);
  });

  test("behind a link that is turned over are seen, as a mounted secret changes", async () => {
    const { config, directory } = await filesWith(good());
    const [first, second] = [good(), good()];
    for (const [name, { cert, key }] of [
      ["first", first],
      ["second", second],
    ] as const) {
      await mkdir(join(directory, name));
      await writeFile(join(directory, name, "tls.crt"), cert);
      await writeFile(join(directory, name, "tls.key"), key);
    }
    await symlink("first", join(directory, "data"));
    const clock = createManualClock();
    const { log, next } = createKeptLog();
    const paths = { tlsCert: join(directory, "data/tls.crt"), tlsKey: join(directory, "data/tls.key") };
    using tls = await loadTls({ ...config, ...paths }, depsOf(clock, log));
    expect(tls?.current).toMatchObject({ key: first.key });
    await symlink("second", join(directory, "data-new"));
    await rename(join(directory, "data-new"), join(directory, "data"));
    const changed = next();
    for (let i = 0; i < 2; i++) {
      await clock.advance(2000);
      while (clock.sleepers === 0 && i === 0) await clock.turn();
    }
    await changed;
    expect(tls?.current).toMatchObject({ key: second.key });
    expect(await readdir(join(directory, "data"))).toHaveLength(2);
  });

  test("are looked at no more once it is disposed", async () => {
    const { tls, clock, changes, lines, write } = await loaded(good());
    tls[Symbol.dispose]();
    await write(good());
    await clock.advance(10_000);
    expect(clock.sleepers).toBe(0);
    expect([changes, lines]).toEqual([[], []]);
  });
});

import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { config } from "../../../src/cli/config.ts";
import { configSchema } from "../../../src/server/config/schema.ts";
import { createAuthority } from "../../support/certificates.ts";

const folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-check-"));
afterAll(() => folder[Symbol.dispose]());

function fileWith(name: string, text: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const said = { out: "", error: "" };
  const code = await config(args, {
    out: (text) => {
      said.out += text;
    },
    error: (text) => {
      said.error += text;
    },
    ...{ terminal: false, env },
  });
  return { code, ...said };
}

const authority = createAuthority();
const own = authority.issue({ names: ["DNS:localhost"] });
const CERT = fileWith("cert.pem", own.certPem);
const KEY = fileWith("key.pem", own.keyPem);
const OTHER_KEY = fileWith("other.pem", authority.issue({ names: ["DNS:localhost"] }).keyPem);
const EXPIRED = authority.issue({ names: ["DNS:localhost"], days: -1 });
const MASTER = fileWith("master.keys", `one:${Buffer.alloc(32, 1).toString("base64")}\n`);

describe("check", () => {
  test("says in one sentence that nothing is wrong, and ends with 0", async () => {
    const tenants = fileWith("tenants.yaml", "tenants:\n  - tenantId: acme\n    placement: eu\n    encrypted: true\n");
    const file = fileWith(
      "good.yaml",
      `tls-cert: ${CERT}\ntls-key: ${KEY}\nmaster-key-file: ${MASTER}\ntenants-file: ${tenants}\nplacements: {eu: postgres://eu/d}\n`,
    );
    expect(await run(["check", "--config", file])).toEqual({ code: 0, out: "The settings can be used.\n", error: "" });
  });

  test("names the line of the configuration file that names a file which is not there", async () => {
    const file = fileWith("line.yaml", "log-level: info\ntls-client-ca: /nowhere/ca\n");
    const { code, error } = await run(["check", "--config", file]);
    expect(code).toBe(2);
    expect(error).toContain(`the file of tls-client-ca (file ${file} line 2) cannot be read: ENOENT\n`);
  });

  test("tells once of a configuration file that is not there", async () => {
    const { code, error } = await run(["check", "--config", "/nowhere/holdfast.yaml"]);
    expect(code).toBe(2);
    expect(error.trimEnd().split("\n")).toHaveLength(1);
  });

  test.each([
    [
      "a file that is not there",
      ["--tls-cert", "/nowhere/x", "--tls-key", KEY],
      "the file of --tls-cert cannot be read: ENOENT",
    ],
    ["a directory", ["--master-key-file", folder.path], "the file of --master-key-file is a directory"],
    [
      "the key of another certificate",
      ["--tls-cert", CERT, "--tls-key", OTHER_KEY],
      "the file of --tls-key (HOLDFAST_TLS_KEY) is not the key of the certificate in --tls-cert (HOLDFAST_TLS_CERT)",
    ],
    [
      "no certificate",
      ["--tls-cert", KEY, "--tls-key", KEY],
      "the file of --tls-cert (HOLDFAST_TLS_CERT) holds no certificate in PEM",
    ],
    ["no master keys", ["--master-key-file", CERT], `--master-key-file ${CERT}: Line 1 of the master keys`],
    [
      "no tenants",
      ["--tenants-file", MASTER],
      "(--tenants-file) cannot be used:\n  it must hold a list under the name tenants",
    ],
    [
      "a tenant on a placement that is none",
      ["--tenants-file", fileWith("eu.yaml", "tenants:\n  - tenantId: acme\n    placement: eu\n")],
      "(--tenants-file) cannot be used:\n  tenants[0].placement",
    ],
  ])("finds %s, and ends with 2", async (_, args, problem) => {
    const { code, out, error } = await run(["check", ...args]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(error).toContain(problem);
    expect(error).not.toContain(own.keyPem.slice(40, 80));
  });

  test("tells what is wrong with settings and with files at once", async () => {
    const { code, error } = await run([
      "check",
      "twice",
      "--tls-cert",
      CERT,
      "--tls-key",
      OTHER_KEY,
      "--drain-delay=x",
    ]);
    expect(code).toBe(2);
    expect(error.trimEnd().split("\n")).toEqual([
      "holdfast: --drain-delay must be a time from 0 to 5m, such as 500ms, 10s or 5m",
      'holdfast: "holdfast config" does not take "twice": it takes one of print, check, schema',
      expect.stringMatching(/^holdfast: the file of --tls-key .* is not the key/),
    ]);
  });

  test("warns of what is allowed and most likely a mistake, and ends with 0", async () => {
    const expired = [fileWith("expired.pem", EXPIRED.certPem), fileWith("expired.key", EXPIRED.keyPem)] as const;
    const args = ["check", "--tls-cert", expired[0], "--tls-key", expired[1]];
    const { code, out, error } = await run(args, { HOLDFAST_DATABASE_ULR: "geheim" });
    expect({ code, out }).toEqual({ code: 0, out: "The settings can be used.\n" });
    expect(error.trimEnd().split("\n")).toEqual([
      "holdfast: warning: the variable HOLDFAST_DATABASE_ULR is no setting and is not read: did you mean HOLDFAST_DATABASE_URL?",
      "holdfast: warning: the TLS certificate has expired",
    ]);
  });

  test("prints one document for scripts", async () => {
    const { code, out, error } = await run(["check", "--output", "json", "--drain-delay=x"], { HOLDFAST_AUT: "" });
    expect({ code, error }).toEqual({ code: 2, error: "" });
    expect(JSON.parse(out)).toEqual({
      problems: ["--drain-delay must be a time from 0 to 5m, such as 500ms, 10s or 5m"],
      warnings: ["the variable HOLDFAST_AUT is no setting and is not read: did you mean HOLDFAST_AUTH?"],
    });
  });

  test("is a word only where a word may stand", async () => {
    expect(await run(["print", "--tenants-file", "check"])).toMatchObject({
      code: 0,
      out: expect.stringContaining("tenants-file = check  # flag"),
    });
  });
});

describe("print", () => {
  test.each([[["print"]], [[]]])("%j prints every setting of serve in a line", async (args) => {
    const { code, out, error } = await run([...args, "--drain-grace", "30s"], { HOLDFAST_LOG_LEVEL: "warn" });
    expect({ code, error }).toEqual({ code: 0, error: "" });
    expect(out).toContain("drain-grace = 30s  # flag\n");
    expect(out).toContain("log-level = warn  # environment\n");
    expect(out).toContain(
      "max-memory = (85 % of what the container may have, where there is such a limit)  # default\n",
    );
    expect(out).not.toContain("output");
  });

  test("or as one document for scripts", async () => {
    const { out } = await run(["print", "--output", "json"]);
    expect(JSON.parse(out)).toMatchObject({
      "drain-grace": { value: "10s", source: "default" },
      "tls-cert": { value: null, source: "default" },
    });
  });

  test("refuses what cannot be read", async () => {
    expect(await run(["--drain-grace", "x"])).toMatchObject({ code: 2, out: "" });
    const error = 'holdfast: "holdfast config" does not take "dump": it takes one of print, check, schema\n';
    expect(await run(["dump"])).toMatchObject({ code: 2, error });
  });
});

describe("schema", () => {
  test("prints the schema, whatever the settings are", async () => {
    const { code, out, error } = await run(["schema"], { HOLDFAST_DRAIN_GRACE: "x" });
    expect({ code, error }).toEqual({ code: 0, error: "" });
    expect(JSON.parse(out)).toEqual(configSchema());
  });
});

test.each([["check"], ["schema"], ["print"]])("help on %s names all the words", async (word) => {
  const { code, out } = await run([word, "--help"]);
  expect(code).toBe(0);
  expect(out).toContain("Usage: holdfast config [print|check|schema] [OPTIONS]");
});

import { mkdirSync, mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { configJson, configText } from "../../../src/server/config/help.ts";
import { COMMANDS, type Command } from "../../../src/server/config/option.ts";
import { readConfigAndFile } from "../../../src/server/config/read.ts";
import { OPTIONS, optionsOf } from "../../../src/server/config.ts";
import { readFileOf, TOGETHER } from "../../support/config-file.ts";

describe("what a file says", () => {
  test.each([
    ["YAML", stringify(TOGETHER)],
    ["JSON", JSON.stringify({ $schema: "holdfast.schema.json", ...TOGETHER }, null, 2)],
    ["one line of JSON", JSON.stringify(TOGETHER)],
    [
      "YAML with a mark at its beginning and lines that end as on Windows",
      `\ufeff${stringify(TOGETHER).replaceAll("\n", "\r\n")}`,
    ],
  ])("holds in %s, for every setting there is", async (_, text) => {
    for (const command of COMMANDS) {
      const { values, problems, sourceOf } = await readFileOf(text, { command });
      expect(problems).toEqual([]);
      for (const setting of optionsOf(command).filter((own) => OPTIONS[own].name in TOGETHER)) {
        expect([setting, sourceOf(setting)]).toEqual([setting, expect.objectContaining({ kind: "file" })]);
      }
      if (command !== "serve") continue;
      expect(values).toMatchObject({
        databaseUrl: "postgres://me@db:5432/holdfast",
        databaseWaitMs: 60_000,
        pooler: "transaction",
        grpcAddress: { host: "::", port: 7400 },
        workers: 0,
        migrate: true,
        drainDelayMs: 0,
        drainGraceMs: 20_000,
        maxConcurrentStreams: 500,
        maxMemoryBytes: 512 * 2 ** 20,
        maxEventLoopDelayMs: 0,
        auth: ["api-key", "jwt", "mtls"],
        certificateRoles: ["claim", "read"],
        placements: [
          { name: "eu", url: "postgres://me:geheim@eu/holdfast" },
          { name: "us", url: "postgres://us/holdfast" },
        ],
        placementListenUrls: [{ name: "eu", url: "postgres://eu-direct/holdfast" }],
        validatorPort: 8443,
      });
    }
  });

  test("gives way to a variable, as that does to a flag", async () => {
    const text = "drain-delay: 1s\ndrain-grace: 1s\nsweep-interval: 1s\nlog-level: warn\n";
    const { values, sourceOf } = await readFileOf(text, {
      args: ["--drain-delay", "3s"],
      env: { HOLDFAST_DRAIN_DELAY: "2s", HOLDFAST_DRAIN_GRACE: "2s", HOLDFAST_SWEEP_INTERVAL: "" },
    });
    expect(values).toMatchObject({ drainDelayMs: 3000, drainGraceMs: 2000, sweepIntervalMs: 1000, logLevel: "warn" });
    expect(sourceOf("drainDelayMs")).toEqual({ kind: "flag" });
    expect(sourceOf("drainGraceMs")).toEqual({ kind: "environment" });
    expect(sourceOf("sweepIntervalMs")).toMatchObject({ kind: "file", line: 3 });
    expect(sourceOf("dataDir")).toEqual({ kind: "default" });
  });

  test("may be nothing", async () => {
    for (const text of ["", "\n", "# nothing yet\n", "{}", "---\n"]) {
      expect((await readFileOf(text)).problems).toEqual([]);
    }
  });

  test("may be for another command, and is then not looked at", async () => {
    expect((await readFileOf("timeout: soon\ndrain-delay: soon\n", { command: "migrate" })).problems).toEqual([]);
  });

  test("is looked at whole by whoever asks for a check, also what is not in force or for another command", async () => {
    const options = { command: "config", args: ["--drain-delay", "1s"] } as const;
    expect((await readFileOf("timeout: soon\ndrain-delay: soon\n", options)).problems).toEqual([
      "drain-delay (file holdfast.yaml line 2) must be a time from 0 to 5m, such as 500ms, 10s or 5m",
      "timeout (file holdfast.yaml line 1) must be a time from 100ms to 1m, such as 500ms or 10s",
    ]);
  });
});

describe("what contradicts itself is told with where each part of it is", () => {
  test.each([
    [
      "http-address: 0.0.0.0:1\n",
      [],
      "http-address (file holdfast.yaml line 1): 0.0.0.0:1 can be reached from other machines, and nobody would be asked who he is: set --auth (HOLDFAST_AUTH), or listen on loopback only",
    ],
    ["\ntls-cert: c\n", [], "tls-cert (file holdfast.yaml line 2) needs --tls-key (HOLDFAST_TLS_KEY)"],
    [
      "auth: api-key\n",
      ["--tls-cert=c", "--tls-key=k", "--tls-client-ca=a"],
      "--tls-client-ca needs auth (file holdfast.yaml line 1) mtls",
    ],
    [
      "placements: {eu: 'postgres://u@h/d'}\n",
      ["--placement-listen-urls", "us=postgres://u@h/d"],
      '--placement-listen-urls: there is no placement "us" in placements (file holdfast.yaml line 1)',
    ],
  ])("%j with %j", async (text, args, problem) => {
    expect((await readFileOf(text, { args })).problems).toEqual([problem]);
  });

  test("but not when the file cannot be read, which may say what is missed", async () => {
    const args = ["--http-address", "0.0.0.0:1"];
    expect((await readFileOf("auth: [api-key\n", { args })).problems).toEqual([
      expect.stringMatching(/^file holdfast.yaml line \d: this is not YAML/),
    ]);
  });
});

describe("a file that cannot be used at all", () => {
  test.each([
    ["that is not there", "nowhere.yaml", "there is no such file"],
    ["that is a directory", "folder", "it is a directory"],
    ["whose name is its content", `${"database-url: postgres://me:geheim@db/x\n".repeat(10)}`, "cannot be used"],
  ])("%s is refused, and its name is not repeated", async (_, name, why) => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-config-"));
    mkdirSync(join(folder.path, "folder"));
    const env = { HOLDFAST_CONFIG: join(folder.path, name) };
    const { read } = await readConfigAndFile("serve", [], env);
    const problems = read.kind === "problems" ? read.problems : [];
    expect(problems).toEqual([expect.stringMatching(/^the file of --config \(HOLDFAST_CONFIG\) cannot be used: /)]);
    expect(problems[0]).toContain(why);
    expect(problems[0]).not.toContain(folder.path);
  });

  test.each([
    ["larger than it may be", `# ${"x".repeat(2 ** 20)}\n`, "it is larger than 1 MiB"],
    ["not UTF-8", Uint8Array.of(0x6c, 0xff, 0xfe), "it is not UTF-8"],
  ])("%s", async (_, text, why) => {
    expect((await readFileOf(text)).problems).toEqual([
      `the file of --config (HOLDFAST_CONFIG) cannot be used: ${why}`,
    ]);
  });

  test("--config without a file is refused like any flag without its value", async () => {
    for (const args of [["--config"], ["--config="], ["--config", ""]]) {
      const { read } = await readConfigAndFile("serve", args, {});
      expect(read).toMatchObject({ kind: "problems", problems: ["--config must be a file"] });
    }
  });

  test.each<Command>(["health", "tenants", "migrate", "keys"])("%s hears of it too", async (command) => {
    const { read } = await readConfigAndFile(command, ["--config", "/nowhere"], {});
    expect(read).toMatchObject({ kind: "problems", problems: [expect.stringContaining("there is no such file")] });
  });
});

describe("printed", () => {
  test("each value has its line, and no secret is shown", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-config-"));
    const { writeFileSync } = await import("node:fs");
    const path = join(folder.path, "holdfast.yaml");
    writeFileSync(path, stringify(TOGETHER));
    const { read } = await readConfigAndFile("config", ["--config", path, "--drain-grace", "1m"], {});
    if (read.kind === "problems") throw new Error(read.problems.join("\n"));
    const text = configText(read.config, read.sources);
    expect(text).toContain(`database-url = postgres://me@db:5432/holdfast  # ${path}:1\n`);
    expect(text).toContain("drain-grace = 1m  # flag\n");
    expect(text).toContain("placements = eu=postgres://me:***@eu/holdfast us=postgres://us/holdfast  # ");
    expect(text).toContain(`max-event-loop-delay = off  # ${path}:`);
    expect(text).not.toContain("geheim");
    const json = configJson(read.config, read.sources);
    expect(JSON.stringify(json)).not.toContain("geheim");
    expect(json).toMatchObject({
      "database-url": { value: "postgres://me@db:5432/holdfast", source: `${path}:1` },
      "drain-grace": { value: "1m", source: "flag" },
    });
    const shown = optionsOf("serve").map((setting) => OPTIONS[setting].name);
    expect(Object.keys(json)).toEqual(shown);
  });
});

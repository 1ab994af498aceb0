import { describe, expect, test } from "vitest";
import { environmentName } from "../../../src/server/config/option.ts";
import { misspelt } from "../../../src/server/config/warnings.ts";
import { OPTIONS, SETTINGS } from "../../../src/server/config.ts";
import { readFileOf } from "../../support/config-file.ts";

describe("variables", () => {
  test.each([
    ["HOLDFAST_DATABASE_ULR", "HOLDFAST_DATABASE_URL"],
    ["HOLDFAST_DATABSE_URL", "HOLDFAST_DATABASE_URL"],
    ["HOLDFAST_GRPC_ADRESS", "HOLDFAST_GRPC_ADDRESS"],
    ["HOLDFAST_DRAIN_DELAYS", "HOLDFAST_DRAIN_DELAY"],
    ["HOLDFAST_TSL_CERT", "HOLDFAST_TLS_CERT"],
    ["HOLDFAST_AUT", "HOLDFAST_AUTH"],
  ])("%s brings a warning, without its value", (given, meant) => {
    expect(misspelt({ [given]: "geheim", PATH: "/bin" })).toEqual([
      `the variable ${given} is no setting and is not read: did you mean ${meant}?`,
    ]);
  });

  test("that Kubernetes makes for services whose names begin with holdfast bring none", () => {
    const names = [
      "HOLDFAST_PORT",
      "HOLDFAST_SERVICE_HOST",
      "HOLDFAST_SERVICE_PORT",
      "HOLDFAST_SERVICE_PORT_GRPC",
      "HOLDFAST_PORT_7400_TCP",
      "HOLDFAST_PORT_7400_TCP_PROTO",
      "HOLDFAST_PORT_7400_TCP_PORT",
      "HOLDFAST_PORT_7400_TCP_ADDR",
      "HOLDFAST_SERVER_PORT",
      "HOLDFAST_SERVER_SERVICE_HOST",
      "HOLDFAST_TLS_PORT",
    ];
    expect(misspelt(Object.fromEntries(names.map((name) => [name, "tcp://10.0.0.1:7400"])))).toEqual([]);
  });

  test("of somebody else's bring none", () => {
    expect(misspelt({ HOLDFAST_HOME: "/x", HOLDFAST_VERSION: "1", HOLDFAST_URL: "x", DATABASE_ULR: "x" })).toEqual([]);
  });

  test("that are settings bring none", () => {
    const names = SETTINGS.map((setting) => environmentName(OPTIONS[setting].name));
    expect(misspelt(Object.fromEntries(names.map((name) => [name, "x"])))).toEqual([]);
  });
});

describe("a file that every user of the machine may read", () => {
  const warning = (line: number) =>
    `every user of this machine may read holdfast.yaml, which holds a secret on line ${line}: take that from them with chmod o-r`;
  const PASSWORD = "log-level: info\ndatabase-url: postgres://me:geheim@db/x\n";

  test.each([
    ["with a password in an address", PASSWORD, 2],
    ["with one in a parameter", "listen-url: postgres://db/x?password=geheim\n", 1],
    ["with one of a placement", "placements:\n  eu: postgres://me:geheim@db/x\n", 1],
    ["with one before a host", "jwt-jwks-url: https://me:geheim@issuer/keys\n", 1],
  ])("%s brings a warning", async (_, text, line) => {
    for (const mode of [0o644, 0o604]) {
      expect((await readFileOf(text, { command: "config", mode })).warnings).toEqual([warning(line)]);
    }
    for (const mode of [0o600, 0o640, 0o440]) expect((await readFileOf(text, { mode })).warnings).toEqual([]);
  });

  test("with an API key brings one to whoever uses it", async () => {
    const text = "api-key: hf_id.geheim\n";
    expect((await readFileOf(text, { command: "tenants", mode: 0o644 })).warnings).toEqual([warning(1)]);
  });

  test("without a secret brings none, nor with one that is not in force", async () => {
    expect((await readFileOf("database-url: postgres://me@db/x\n", { mode: 0o644 })).warnings).toEqual([]);
    const env = { HOLDFAST_DATABASE_URL: "postgres://db/x" };
    expect((await readFileOf(PASSWORD, { mode: 0o644, env })).warnings).toEqual([]);
  });
});

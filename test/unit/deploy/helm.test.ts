import { readdirSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { chartFiles } from "../../../scripts/chart-files.ts";
import type { ConfigFile } from "../../../src/server/config/file.ts";
import { readConfig } from "../../../src/server/config/read.ts";
import { OPTIONS, SETTINGS } from "../../../src/server/config.ts";
import { pathOf, read, unknownFlags, unknownVariables } from "./deployed-settings.ts";

const CHART = "deploy/helm/holdfast";
const templates = readdirSync(pathOf(`${CHART}/templates`)).map((name) => read(`${CHART}/templates/${name}`));
const values = parse(read(`${CHART}/values.yaml`));
const examples = readdirSync(pathOf(`${CHART}/ci`));

const ajv = new Ajv({ strict: true, strictTypes: false, allErrors: true, allowUnionTypes: true });
for (const keyword of ["x-flag", "x-environment-variable", "x-commands"]) ajv.addKeyword(keyword);
const validate = ajv.compile(JSON.parse(read(`${CHART}/values.schema.json`)));

test.each(Object.entries(chartFiles()))("%s is what the script would write", (path, content) => {
  expect(read(`deploy/${path}`)).toBe(content);
});

test("the chart is of the version of the package, whose image it runs", () => {
  const { version } = JSON.parse(read("package.json"));
  expect(parse(read(`${CHART}/Chart.yaml`))).toMatchObject({ version, appVersion: version });
});

test("the schema has every value, and allows the defaults", () => {
  expect([validate(values), validate.errors]).toEqual([true, null]);
  const { properties } = JSON.parse(read(`${CHART}/values.schema.json`));
  const { global: _, ...own } = properties;
  expect(Object.keys(own)).toEqual(Object.keys(values));
});

test("variables and flags that the chart names are there", () => {
  for (const text of [...templates, read(`${CHART}/values.yaml`), read(`${CHART}/README.md`)]) {
    expect(unknownVariables(text)).toEqual([]);
    expect(
      unknownFlags(text).filter((flag) => !["--namespace", "--set", "--from-literal", "--values"].includes(flag)),
    ).toEqual([]);
  }
});

describe.each(examples)("with ci/%s", (example) => {
  const given = parse(read(`${CHART}/ci/${example}`));
  const merged = {
    ...{ ...values, ...given },
    config: { ...values.config, ...given.config },
    migrate: { ...values.migrate, ...given.migrate },
  };

  test("the values are allowed", () => {
    expect([validate(merged), validate.errors]).toEqual([true, null]);
  });

  test("the settings can be used by serve and by migrate", () => {
    const secret = { ...values.secret.env, ...given.secret?.env };
    const ofTheMigration = Object.keys(merged.migrate.secret.env);
    const env: Record<string, string> = {
      HOLDFAST_GRPC_ADDRESS: "0.0.0.0:7400",
      HOLDFAST_HTTP_ADDRESS: "0.0.0.0:7401",
      ...Object.fromEntries(Object.keys(secret).map((name) => [name, secretOf(name)])),
      ...(merged.tls.secretName && { HOLDFAST_TLS_CERT: "tls.crt", HOLDFAST_TLS_KEY: "tls.key" }),
      ...(merged.tls.clientCaKey && { HOLDFAST_TLS_CLIENT_CA: "ca.crt" }),
    };
    for (const command of ["serve", "migrate"] as const) {
      const own = command === "serve" ? [] : ofTheMigration.map((name) => [name, secretOf(name)]);
      const read = readConfig(command, [], { ...env, ...Object.fromEntries(own) }, fileOf(merged.config));
      expect(read.kind === "problems" ? read.problems : []).toEqual([]);
    }
  });
});

test("settings that the chart sees to itself are not for config", () => {
  for (const name of ["grpc-address", "tls-cert", "database-url", "api-key", "config", "nonsense"]) {
    expect(validate({ ...values, config: { [name]: "x" } })).toBe(false);
  }
});

const secretOf = (name: string) => (name === "HOLDFAST_PLACEMENTS" ? "eu=postgres://eu/d" : "postgres://db/holdfast");

function fileOf(config: Readonly<Record<string, unknown>>): ConfigFile {
  const settings = Object.entries(config).map(([name, value]) => {
    const setting = SETTINGS.find((known) => OPTIONS[known].name === name);
    if (setting === undefined) throw new Error(`no setting ${name}`);
    return [setting, { value, source: { kind: "file", path: "holdfast.yaml", line: 1 } }] as const;
  });
  return { settings: new Map(settings), problems: [], isWhole: true, isOpen: false };
}

import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { configurationPage } from "../../../src/server/config/help.ts";
import { environmentName } from "../../../src/server/config/option.ts";
import { configSchema } from "../../../src/server/config/schema.ts";
import { OPTIONS, SETTINGS } from "../../../src/server/config.ts";
import { EVERY_SETTING, readFileOf } from "../../support/config-file.ts";

const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true, allowUnionTypes: true });
for (const keyword of ["x-flag", "x-environment-variable", "x-commands"]) ajv.addKeyword(keyword);
const validate = ajv.compile(configSchema());

interface Property {
  readonly description: string;
  readonly default?: unknown;
  readonly "x-flag": string;
  readonly "x-environment-variable": string;
}
const { $schema: _, ...properties } = configSchema()["properties"] as Record<string, Property>;

test("docs/holdfast.schema.json is what the script would write", () => {
  const text = readFileSync(new URL("../../../docs/holdfast.schema.json", import.meta.url), "utf8");
  expect(text).toBe(`${JSON.stringify(configSchema(), null, 2)}\n`);
});

test("every setting is in the schema with its names, what it does and its default, and nothing else is", () => {
  const settings = SETTINGS.filter((setting) => setting !== "configFile").map((setting) => OPTIONS[setting]);
  expect(Object.keys(properties)).toEqual(settings.map(({ name }) => name));
  for (const { name, doc, defaultDoc } of settings) {
    expect(properties[name]).toMatchObject({ "x-flag": `--${name}`, "x-environment-variable": environmentName(name) });
    expect(properties[name]?.description).toContain(doc);
    expect(properties[name]?.description).toContain(defaultDoc ?? "");
  }
});

test("a file with every setting is allowed", () => {
  expect(Object.keys(EVERY_SETTING).toSorted()).toEqual(Object.keys(properties).toSorted());
  expect([validate(EVERY_SETTING), validate.errors]).toEqual([true, null]);
});

test("every default is allowed, and read as the default", async () => {
  const defaults = Object.fromEntries(
    Object.entries(properties).flatMap(([name, property]) => ("default" in property ? [[name, property.default]] : [])),
  );
  expect([validate(defaults), validate.errors]).toEqual([true, null]);
  expect(defaults).toMatchObject({ "grpc-address": "127.0.0.1:7400", "validator-port": 443, "drain-delay": 0 });
  const [given, none] = [await readFileOf(JSON.stringify(defaults)), await readFileOf("")];
  expect(given.problems).toEqual([]);
  expect({ ...given.values, configFile: null }).toEqual({ ...none.values, configFile: null });
});

test("the example in docs/configuration.md is allowed, and read", async () => {
  const [, example = ""] = /```yaml\n(.*?)```/s.exec(configurationPage()) ?? [];
  expect([validate(parse(example)), validate.errors]).toEqual([true, null]);
  expect((await readFileOf(example)).problems).toEqual([]);
});

describe("what the schema refuses is refused by the commands too", () => {
  const WRONG: Readonly<Record<string, readonly unknown[]>> = {
    "database-url": [1, "", "mysql://h/d", null],
    "data-dir": ["", false],
    "grpc-address": ["7400", "::1:7400", 7400],
    migrate: ["true", "yes", 1],
    "log-level": ["loud", "INFO", 0],
    "drain-delay": [5, "5", "1.5s", "soon"],
    "sweep-interval": [0, 100],
    workers: [0, "4", "all", 65],
    "max-queue-calls": [0, "1000", 1.5, 10_000_001],
    "max-memory": [512, "512", "512MB", true],
    "max-event-loop-delay": [0, false, "never"],
    auth: [[], ["api-key", "api-key"], ["password"], "password", "api-key,", 1],
    "certificate-tenant": ["DNS:x", "{tenant}"],
    "jwt-jwks-url": ["ftp://x"],
    placements: [{}, { EU: "postgres://h/d" }, { eu: "x" }, { eu: 1 }, [], ""],
    "validator-port": [0, 65_536, "443"],
    tls: ["on"],
    server: ["localhost"],
  };
  const cases = Object.entries(WRONG).flatMap(([name, values]) => values.map((value) => [name, value] as const));

  test.each(cases)("%s: %j", async (name, value) => {
    expect(validate({ [name]: value })).toBe(false);
    const { problems } = await readFileOf(JSON.stringify({ [name]: value }), { command: "config" });
    expect(problems[0]).toMatch(new RegExp(`^${name} \\(file holdfast\\.yaml line 1\\) must be `));
  });

  test("a name that is none", async () => {
    expect(validate({ "grpc-adress": "127.0.0.1:1" })).toBe(false);
    expect(validate({ config: "other.yaml" })).toBe(false);
  });
});

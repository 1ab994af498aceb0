import { parseArgs } from "node:util";
import { type Config, OPTIONS, optionsOf, SETTINGS, type Setting } from "../config.ts";
import { contradictions } from "./contradictions.ts";
import { nearest } from "./hint.ts";
import { bothNames, type Command, type Environment, environmentName, type Option } from "./option.ts";

export type Source = "flag" | "environment" | "default";

/** Either every setting with where it came from, or everything that is wrong, all at once. */
export type ConfigRead =
  | {
      readonly kind: "config";
      readonly config: Config;
      readonly sources: ReadonlyMap<Setting, Source>;
      readonly words: readonly string[];
    }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

/**
 * Flags over environment over defaults. Settings that do not belong to the command keep their defaults, and their flags
 * are refused; unknown variables are not, because Kubernetes invents HOLDFAST_PORT for a service of that name.
 */
export function readConfig(command: Command, args: readonly string[], env: Environment): ConfigRead {
  const problems: string[] = [];
  const { flags, words } = readFlags(command, args, problems);
  const sources = new Map<Setting, Source>();
  const values: Partial<Record<Setting, unknown>> = {};
  const own = new Set(optionsOf(command));
  for (const setting of SETTINGS) {
    // The table's options differ in their values; what reads them does not care.
    const option = OPTIONS[setting] as Option<unknown>;
    const variable = env[environmentName(option.name)];
    const flag = flags.get(setting);
    const fromEnvironment = own.has(setting) && variable !== undefined && variable !== "";
    const given = flag ?? (fromEnvironment ? variable : undefined);
    sources.set(setting, flag !== undefined ? "flag" : fromEnvironment ? "environment" : "default");
    values[setting] = given === undefined ? defaultOf(option, env) : parse(option, given, problems);
  }
  problems.push(...contradictions(command, values as Partial<Config>));
  if (problems.length > 0) return { kind: "problems", problems };
  return { kind: "config", config: values as Config, sources, words };
}

export function defaultOf<Value>(option: Option<Value>, env: Environment): Value {
  const value = option.default;
  return typeof value === "function" ? (value as (env: Environment) => Value)(env) : value;
}

function parse(option: Option<unknown>, given: string, problems: string[]): unknown {
  const value = given === "" ? undefined : option.kind.parse(given);
  // What was given is not repeated: it may be a password in the wrong place.
  if (value === undefined) problems.push(`${bothNames(option)} must be ${option.kind.allowed}`);
  return value;
}

function readFlags(command: Command, args: readonly string[], problems: string[]) {
  const flags = new Map<Setting, string>();
  const words: string[] = [];
  const own = optionsOf(command);
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(own.map((setting) => [OPTIONS[setting].name, { type: argumentType(setting) }])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const setting = own.find((candidate) => OPTIONS[candidate].name === token.name.replace(/^no-/, ""));
    if (setting === undefined || (token.name.startsWith("no-") && argumentType(setting) === "string")) {
      problems.push(unknownFlag(command, token.rawName, own));
    } else {
      flags.set(setting, token.value ?? bareValue(setting, token.name));
    }
  }
  return { flags, words };
}

/** `--migrate` alone is true and `--no-migrate` false; a flag that needs a value and has none is empty, hence refused. */
function bareValue(setting: Setting, name: string): string {
  if (argumentType(setting) === "string") return "";
  return name.startsWith("no-") ? "false" : "true";
}

function argumentType(setting: Setting): "string" | "boolean" {
  return OPTIONS[setting].kind.placeholder === "" ? "boolean" : "string";
}

function unknownFlag(command: Command, rawName: string, own: readonly Setting[]): string {
  const near = nearest(
    rawName,
    own.map((setting) => `--${OPTIONS[setting].name}`),
  );
  const hint = near === undefined ? `see "holdfast ${command} --help"` : `did you mean ${near}?`;
  return `unknown flag ${JSON.stringify(rawName)} of "holdfast ${command}": ${hint}`;
}

import { type Config, OPTIONS, optionsOf, SETTINGS, type Setting } from "../config.ts";
import { contradictions } from "./contradictions.ts";
import { type ConfigFile, NO_FILE, readConfigFile } from "./file.ts";
import { textForm } from "./file-forms.ts";
import { readFlags } from "./flags.ts";
import { type Command, type Environment, environmentName, type Option } from "./option.ts";
import { givenName, type Source } from "./source.ts";

/** Either every setting with where it came from, or everything that is wrong, all at once. */
export type ConfigRead = {
  readonly sources: Sources;
  readonly words: readonly string[];
} & (
  | { readonly kind: "config"; readonly config: Config }
  | {
      readonly kind: "problems";
      readonly problems: readonly string[];
      /** What could be read all the same. */
      readonly values: Partial<Config>;
    }
);

export type Sources = ReadonlyMap<Setting, Source>;

/** Reads the file that --config or HOLDFAST_CONFIG names, if any, and then everything. */
export async function readConfigAndFile(
  command: Command,
  args: readonly string[],
  env: Environment,
): Promise<{ readonly read: ConfigRead; readonly file: ConfigFile }> {
  const path = readFlags(command, args).flags.get("configFile") ?? env[environmentName(OPTIONS.configFile.name)];
  const file = path ? await readConfigFile(path) : NO_FILE;
  return { read: readConfig(command, args, env, file), file };
}

/**
 * Flags over environment over file over defaults. Settings that do not belong to the command keep their defaults, and
 * their flags are refused. Their variables and what a file says of them are not: both may be shared by all commands.
 * Unknown variables are not refused, because Kubernetes invents HOLDFAST_PORT for a service of that name.
 */
export function readConfig(
  command: Command,
  args: readonly string[],
  env: Environment,
  file: ConfigFile = NO_FILE,
): ConfigRead {
  const { flags, words, problems: unknownFlags } = readFlags(command, args);
  const problems = [...unknownFlags, ...file.problems];
  const own = new Set(optionsOf(command));
  const sources = new Map<Setting, Source>();
  const values: Partial<Record<Setting, unknown>> = {};
  for (const setting of SETTINGS) {
    // The table's options differ in their values; what reads them does not care.
    const option = OPTIONS[setting] as Option<unknown>;
    const flag = flags.get(setting);
    const variable = own.has(setting) ? env[environmentName(option.name)] : undefined;
    const inFile = file.settings.get(setting);
    const isInForce = inFile !== undefined && own.has(setting) && flag === undefined && !variable;
    // Whoever asks for a check hears of all that the file says, be it in force or not.
    if (inFile !== undefined && command === "config" && !isInForce) parseInFile(option, inFile, problems);
    if (flag !== undefined) {
      values[setting] = parse(option, flag, { kind: "flag" }, problems);
      sources.set(setting, { kind: "flag" });
    } else if (variable) {
      values[setting] = parse(option, variable, { kind: "environment" }, problems);
      sources.set(setting, { kind: "environment" });
    } else if (isInForce) {
      values[setting] = parseInFile(option, inFile, problems);
      sources.set(setting, inFile.source);
    } else {
      if (file.isWhole || !own.has(setting)) values[setting] = defaultOf(option, env);
      sources.set(setting, { kind: "default" });
    }
  }
  problems.push(...contradictions(command, values as Partial<Config>, sources));
  if (problems.length > 0) return { kind: "problems", problems, values: values as Partial<Config>, sources, words };
  return { kind: "config", config: values as Config, sources, words };
}

export function defaultOf<Value>(option: Option<Value>, env: Environment): Value {
  const value = option.default;
  return typeof value === "function" ? (value as (env: Environment) => Value)(env) : value;
}

function parse(option: Option<unknown>, given: string, source: Source, problems: string[]): unknown {
  const value = given === "" ? undefined : option.kind.parse(given);
  // What was given is not repeated: it may be a password in the wrong place.
  if (value === undefined) problems.push(`${givenName(option, source)} must be ${option.kind.allowed}`);
  return value;
}

interface InFile {
  readonly value: unknown;
  readonly source: Extract<Source, { kind: "file" }>;
}

function parseInFile(option: Option<unknown>, { value, source }: InFile, problems: string[]): unknown {
  const { kind } = option;
  const form = kind.inFile ?? textForm();
  const text = form.textOf(value);
  const parsed = text === undefined || text === "" ? undefined : kind.parse(text);
  if (parsed === undefined) {
    problems.push(
      `${givenName(option, source)} must be ${form.allowed ?? kind.allowed}${instead(option, value, text)}`,
    );
  }
  return parsed;
}

/** A value of the wrong type may look right, such as "443". */
function instead({ kind }: Option<unknown>, value: unknown, text: string | undefined): string {
  if (value === null || value === "") return "; there is nothing, and without the line it is the default";
  if (text !== undefined) return "";
  const isQuoted = typeof value === "string" && kind.parse(value) !== undefined;
  return isQuoted ? ", without quotes" : `, not ${typeName(value)}`;
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "string":
      return "text";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    default:
      return "names and values";
  }
}

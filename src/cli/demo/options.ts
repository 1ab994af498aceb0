import { parseArgs } from "node:util";
import { nearest } from "../../server/config/hint.ts";
import { count, duration, type Kind, text } from "../../server/config/kinds.ts";
import type { FlagShape } from "../command-shape.ts";

export interface DemoOptions {
  /** Null: the log that comes with Holdfast. */
  readonly input: string | null;
  readonly servers: number;
  readonly workers: number;
  readonly leaseMs: number;
  readonly seed: string;
  readonly json: boolean;
}

interface DemoOption<Value> {
  readonly kind: Kind<Value>;
  readonly default: Value;
  readonly doc: string;
}

const OPTIONS = {
  input: {
    kind: { ...text, placeholder: "FILE", allowed: "a file" },
    default: "",
    doc: 'A delivery log of your own: one object per line, with "id" (text), "type" (text) and "payload" (any JSON).',
  } satisfies DemoOption<string>,
  servers: { kind: count(1, 16), default: 3, doc: "Server processes." } satisfies DemoOption<number>,
  workers: { kind: count(2, 64), default: 8, doc: "Worker processes." } satisfies DemoOption<number>,
  lease: {
    kind: duration("1s", "1m"),
    default: 2_000,
    doc: "How long a worker holds an event without a sign of life.",
  } satisfies DemoOption<number>,
  seed: { kind: text, default: "1", doc: "Decides who is killed, and when." } satisfies DemoOption<string>,
};

export type DemoArguments =
  | { readonly kind: "options"; readonly options: DemoOptions }
  | { readonly kind: "help" }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

/** Everything that is wrong with the arguments, at once; what was given is not repeated but for the names of flags. */
export function readArguments(args: readonly string[]): DemoArguments {
  const { values, problems } = readFlags(args);
  if (values.has("help")) return { kind: "help" };
  const read = <Value>(name: string, { kind, default: fallback }: DemoOption<Value>): Value => {
    const given = values.get(name);
    if (given === undefined) return fallback;
    const value = given === "" ? undefined : kind.parse(given);
    if (value === undefined) problems.push(`--${name} must be ${kind.allowed}`);
    return value ?? fallback;
  };
  const options: DemoOptions = {
    input: read("input", OPTIONS.input) || null,
    servers: read("servers", OPTIONS.servers),
    workers: read("workers", OPTIONS.workers),
    leaseMs: read("lease", OPTIONS.lease),
    seed: read("seed", OPTIONS.seed),
    json: values.has("json"),
  };
  return problems.length > 0 ? { kind: "problems", problems } : { kind: "options", options };
}

const BARE = ["json", "help"] as const;

function readFlags(args: readonly string[]) {
  const values = new Map<string, string>();
  const problems: string[] = [];
  const valued = Object.keys(OPTIONS);
  const known = [...valued, ...BARE];
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(known.map((name) => [name, { type: valued.includes(name) ? "string" : "boolean" }])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") problems.push('"holdfast demo" takes flags only; a log goes behind --input');
    if (token.kind !== "option") continue;
    // The parser takes what follows for the value even if it is the next flag: then this flag has none.
    const hasNone = token.value === undefined || (!token.inlineValue && token.value.startsWith("--"));
    if (known.includes(token.name)) values.set(token.name, hasNone ? "" : token.value);
    else problems.push(unknownFlag(token.rawName, known));
  }
  return { values, problems };
}

function unknownFlag(rawName: string, known: readonly string[]): string {
  const near = nearest(
    rawName,
    known.map((name) => `--${name}`),
  );
  const hint = near === undefined ? 'see "holdfast demo --help"' : `did you mean ${near}?`;
  return `unknown flag ${JSON.stringify(rawName)} of "holdfast demo": ${hint}`;
}

const JSON_DOC = "Print the report as one JSON object, on the last line of standard output.";

export function optionFlags(): readonly FlagShape[] {
  const valued = Object.entries(OPTIONS).map(([name, { kind, doc }]) => ({ name, placeholder: kind.placeholder, doc }));
  return [...valued, { name: "json", placeholder: "", doc: JSON_DOC }];
}

export function optionsHelp(): string {
  const valued = Object.entries(OPTIONS).map(([name, { kind, default: fallback, doc }]) => {
    // The options differ in their values; what prints them does not care.
    const shown = fallback === "" ? "the log that comes with Holdfast" : (kind as Kind<unknown>).format(fallback);
    return `  --${name} ${kind.placeholder}\n      ${doc}\n      Default: ${shown}.`;
  });
  return [...valued, `  --json\n      ${JSON_DOC}`].join("\n");
}

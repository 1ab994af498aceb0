import type { Role } from "../../auth/authenticator.ts";
import { nearest } from "../../server/config/hint.ts";
import { choices, type Kind, text } from "../../server/config/kinds.ts";
import { readArguments } from "../arguments.ts";
import type { SubcommandShape } from "../command-shape.ts";

/** What is to be done. */
export type ApiKeysRequest =
  | {
      readonly kind: "create";
      /** Empty: the caller's own, or every tenant. */
      readonly tenant: string;
      readonly roles: ReadonlySet<Role>;
      readonly name: string;
      /** Null: for ever. */
      readonly lifetimeMs: number | null;
    }
  | { readonly kind: "revoke"; readonly id: string; readonly reason: string }
  | { readonly kind: "list"; readonly tenant: string };

/** The request, and the arguments that are settings; or everything that is wrong with it, at once. */
export type ApiKeysArguments =
  | { readonly kind: "request"; readonly request: ApiKeysRequest; readonly settings: readonly string[] }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

interface Flag {
  readonly kind: Kind<unknown>;
  readonly doc: string;
  readonly words: readonly ApiKeysRequest["kind"][];
}

const roles = choices("claim", "read", "operate", "admin");

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The server says what is too short and too long. */
const lifetime: Kind<number> = {
  placeholder: "TIME",
  allowed: "a time such as 30m, 12h or 90d",
  parse(given) {
    const [, count, unit = ""] = /^(\d{1,9})([smhd])$/.exec(given) ?? [];
    return count === undefined ? undefined : Number(count) * (UNIT_MS[unit] ?? 0);
  },
  format: (ms) => `${ms / 1000}s`,
};

const FLAGS: Readonly<Record<string, Flag>> = {
  tenant: {
    kind: text,
    doc: "The tenant of the key, or of the keys. Default: the caller's own; for a caller of every tenant, every tenant.",
    words: ["create", "list"],
  },
  roles: { kind: roles, doc: "What the key allows: claim, read, operate, admin. Required.", words: ["create"] },
  name: { kind: text, doc: "What the key is for, for people.", words: ["create"] },
  lifetime: {
    kind: lifetime,
    doc: "For how long it is good: 60 s to 10 years, such as 30m, 12h or 90d. Default: for ever.",
    words: ["create"],
  },
  reason: { kind: text, doc: "Why, for the audit log.", words: ["revoke"] },
};

const WORDS = ["create", "revoke", "list"] as const;

export const APIKEYS_USAGE = [
  "Usage: holdfast apikeys create --roles LIST [OPTIONS]",
  "       holdfast apikeys revoke KEY_ID [OPTIONS]",
  "       holdfast apikeys list [OPTIONS]",
].join("\n");

export function apiKeysSubcommands(): readonly SubcommandShape[] {
  return WORDS.map((word) => {
    const flags = Object.entries(FLAGS).filter(([, { words }]) => words.includes(word));
    return {
      name: word,
      operand: word === "revoke" ? "KEY_ID" : "",
      summary: SUMMARIES[word],
      flags: flags.map(([name, { kind, doc }]) => ({ name, placeholder: kind.placeholder, doc })),
    };
  });
}

const SUMMARIES = {
  create: "Make an API key; it is printed once.",
  revoke: "Make an API key worthless.",
  list: "The API keys, without their secrets.",
} as const satisfies Record<ApiKeysRequest["kind"], string>;

export function apiKeysFlagsHelp(): string {
  return Object.entries(FLAGS)
    .map(([name, { kind, doc, words }]) => `  --${name} ${kind.placeholder}  (${words.join(", ")})\n      ${doc}`)
    .join("\n");
}

export function readApiKeysArguments(args: readonly string[]): ApiKeysArguments {
  const own = Object.entries(FLAGS).map(([name, { kind }]) => ({ name, placeholder: kind.placeholder }));
  const { words, flags, settings, problems: misread } = readArguments("apikeys", "", own, args);
  const problems = [...misread];
  const [given, ...operands] = words;
  const word = WORDS.find((known) => known === given);
  if (word === undefined) return { kind: "problems", problems: [...problems, unknownWord(given)] };
  const read = <Value>(name: string, kind: Kind<Value>): Value | undefined => {
    const [value] = flags.get(name) ?? [];
    if (value === undefined) return undefined;
    const parsed = value === "" ? undefined : kind.parse(value);
    if (parsed === undefined) problems.push(`--${name} must be ${kind.allowed}`);
    return parsed;
  };
  for (const name of flags.keys()) {
    if (!FLAGS[name]?.words.includes(word)) problems.push(`"holdfast apikeys ${word}" does not take --${name}`);
  }
  const request = requestOf(word, operands, read, problems);
  return problems.length > 0 ? { kind: "problems", problems } : { kind: "request", request, settings };
}

function requestOf(
  word: (typeof WORDS)[number],
  operands: readonly string[],
  read: <Value>(name: string, kind: Kind<Value>) => Value | undefined,
  problems: string[],
): ApiKeysRequest {
  const [id, ...more] = operands;
  const surplus = word === "revoke" ? more : operands;
  // Not repeated: it may be a secret in the wrong place.
  if (surplus.length > 0) problems.push(`"holdfast apikeys ${word}" does not take so many words`);
  const tenant = read("tenant", text) ?? "";
  switch (word) {
    case "create": {
      const granted = read("roles", roles);
      const isExplained = problems.some((problem) => problem.startsWith("--roles "));
      if (granted === undefined && !isExplained) problems.push(`--roles must be ${roles.allowed}`);
      const lifetimeMs = read("lifetime", lifetime) ?? null;
      return { kind: "create", tenant, roles: new Set(granted), name: read("name", text) ?? "", lifetimeMs };
    }
    case "revoke":
      if (id === undefined)
        problems.push('say which key: "holdfast apikeys revoke KEY_ID"; "holdfast apikeys list" has them');
      return { kind: "revoke", id: keyIdOf(id ?? ""), reason: read("reason", text) ?? "" };
    case "list":
      return { kind: "list", tenant };
  }
}

/** Of a whole key, which somebody pastes in a hurry, the id; the rest goes nowhere. */
function keyIdOf(given: string): string {
  return /^hf_([^.]*)\./.exec(given)?.[1] ?? given;
}

function unknownWord(given: string | undefined): string {
  if (given === undefined) return 'say what to do: "holdfast apikeys create", "revoke" or "list"';
  const near = nearest(given, WORDS);
  const hint = near === undefined ? "there are create, revoke and list" : `did you mean "${near}"?`;
  return `"holdfast apikeys" does not take ${JSON.stringify(given)}: ${hint}`;
}

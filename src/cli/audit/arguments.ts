import { type ChainPosition, HASH_BYTES } from "../../domain/audit.ts";
import { count } from "../../server/config/kinds.ts";
import { MAIN } from "../../server/database-source.ts";
import { readArguments } from "../arguments.ts";
import type { FlagShape, SubcommandShape } from "../command-shape.ts";

export type AuditRequest =
  | {
      readonly kind: "list";
      /** Null: of every database. */
      readonly placement: string | null;
      readonly tenant: string | null;
      readonly scope: string | null;
      readonly key: string | null;
      readonly before: bigint | null;
      readonly limit: number;
    }
  | {
      readonly kind: "verify";
      readonly placement: string | null;
      /** By the name of the database. */
      readonly expected: ReadonlyMap<string, ChainPosition>;
    };

export type ReadAuditArguments =
  | { readonly kind: "request"; readonly request: AuditRequest; readonly settings: readonly string[] }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

const LIMIT = count(1, 1_000_000);
const LIMIT_DEFAULT = 100;
/** Numbers in the log are bigint in the database. */
const BEFORE = count(1, 999_999_999_999_999);

const PLACEMENT: FlagShape = {
  name: "placement",
  placeholder: "NAME",
  doc: `Only the log of this database: ${MAIN}, or one of --placements. Default: of each.`,
};

const LIST_FLAGS: readonly FlagShape[] = [
  { name: "tenant", placeholder: "ID", doc: "Only what concerns this tenant." },
  { name: "scope", placeholder: "SCOPE", doc: "With --tenant: only what was done to records of this scope." },
  {
    name: "key",
    placeholder: "KEY",
    doc: "With --scope: only what was done to this record, or to all of them at once. A purge of one record tells no key, and is not among them.",
  },
  { name: "limit", placeholder: "N", doc: `At most so many lines of each log. Default: ${LIMIT_DEFAULT}.` },
  { name: "before", placeholder: "NUMBER", doc: "Only lines of a lower number." },
  PLACEMENT,
];

const VERIFY_FLAGS: readonly FlagShape[] = [
  {
    name: "expect-head",
    placeholder: "[NAME=]NUMBER:HASH",
    doc: "A head that an earlier verify has printed, and that was kept elsewhere: the log must still lead up to it. Once for each database.",
    repeatable: true,
  },
  PLACEMENT,
];

export const AUDIT_SUBCOMMANDS: readonly SubcommandShape[] = [
  {
    name: "list",
    operand: "",
    summary:
      "Print what was changed, newest first; goes without saying. Lines are numbered from 2, because a new log's head has the number 1. A number may be missing: one is also given to a change that was not made after all.",
    flags: LIST_FLAGS,
  },
  {
    name: "verify",
    operand: "",
    summary: "Check that no line was changed or removed. A missing number alone is no loss, see list.",
    flags: VERIFY_FLAGS,
  },
];

/** What stands on the command line, or all that is wrong with it. */
export function readAuditArguments(args: readonly string[]): ReadAuditArguments {
  const [first] = args;
  const named = AUDIT_SUBCOMMANDS.find(({ name }) => name === first);
  const { name, flags: own } = named ?? { name: "list", flags: LIST_FLAGS };
  const read = readArguments("audit", named === undefined ? "" : name, own, named === undefined ? args : args.slice(1));
  const { flags, words, settings } = read;
  const problems = [
    ...read.problems,
    ...words.map((word) => `"holdfast audit" does not take ${JSON.stringify(word)}: it takes list or verify`),
  ];
  const one = (flag: string): string | null => flags.get(flag)?.[0] ?? null;
  const placement = one("placement");
  const request =
    name === "verify" ? verify(placement, flags.get("expect-head") ?? [], problems) : list(placement, one, problems);
  return problems.length > 0 ? { kind: "problems", problems } : { kind: "request", request, settings };
}

function list(placement: string | null, one: (flag: string) => string | null, problems: string[]): AuditRequest {
  const [tenant, scope, key] = [one("tenant"), one("scope"), one("key")];
  if (scope !== null && tenant === null) {
    problems.push(
      '--scope needs --tenant: scopes are a tenant\'s own. Where none is registered, the tenant is "default"',
    );
  }
  if (key !== null && scope === null) problems.push("--key needs --scope: a key is unique in its scope");
  for (const [flag, value] of [
    ["tenant", tenant],
    ["scope", scope],
    ["key", key],
  ] as const) {
    if (value === "" || value?.includes("\0")) problems.push(`--${flag} must be a text that is not empty, without NUL`);
  }
  const limit = number(LIMIT, "limit", one("limit"), problems) ?? LIMIT_DEFAULT;
  const before = number(BEFORE, "before", one("before"), problems);
  return { kind: "list", placement, tenant, scope, key, limit, before: before === null ? null : BigInt(before) };
}

function number(kind: typeof LIMIT, flag: string, given: string | null, problems: string[]): number | null {
  if (given === null) return null;
  const value = kind.parse(given);
  if (value === undefined) problems.push(`--${flag} must be ${kind.allowed}`);
  return value ?? null;
}

const HEAD = new RegExp(`^(?:([a-z][a-z0-9-]{0,62})=)?(\\d{1,18}):([0-9a-f]{${HASH_BYTES * 2}})$`);

function verify(placement: string | null, heads: readonly string[], problems: string[]): AuditRequest {
  const expected = new Map<string, ChainPosition>();
  for (const head of heads) {
    const [, name = placement ?? MAIN, sequence, hash] = HEAD.exec(head) ?? [];
    if (sequence === undefined || hash === undefined) {
      problems.push(
        `--expect-head must be NUMBER:HASH as "holdfast audit verify" prints it, with the name of the database and = before it for another one than ${MAIN}`,
      );
    } else if (placement !== null && name !== placement) {
      problems.push(`--expect-head is of ${name}, and --placement leaves only ${placement}`);
    } else if (expected.has(name)) problems.push(`--expect-head must be given once for ${name}`);
    else expected.set(name, { sequence: BigInt(sequence), hash: Buffer.from(hash, "hex") });
  }
  return { kind: "verify", placement, expected };
}

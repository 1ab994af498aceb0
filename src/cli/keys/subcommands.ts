import { MAY_CHANGE, MAY_LIST, MAY_LOOK } from "../../operations/admin/records/access.ts";
import { age, type GivenFlags } from "../own-flags.ts";
import { release, reset, resolve } from "./change.ts";
import * as flag from "./flags.ts";
import { get } from "./get.ts";
import { list } from "./list.ts";
import type { KeysSubcommand } from "./order.ts";
import { purge, purgeProblems } from "./purge.ts";
import { verdictProblems } from "./verdict.ts";
import type { State } from "./view.ts";
import { why } from "./why.ts";

const NAMED = [flag.SCOPE, flag.TENANT];

const none = () => [];

export const KEYS_SUBCOMMANDS: readonly KeysSubcommand[] = [
  {
    name: "list",
    key: "none",
    summary: "Records, stuck ones first.",
    roles: MAY_LIST,
    flags: [
      ...[flag.STUCK, flag.STATE, flag.SCOPE, flag.PREFIX, flag.OWNER, flag.OLDER_THAN, flag.NEWER_THAN],
      ...[flag.LIMIT, flag.ALL, flag.TENANT, flag.ALL_TENANTS, flag.RESULTS],
    ],
    problems: (flags) => [
      ...exclusive(flags, flag.LIMIT.name, flag.ALL.name),
      ...exclusive(flags, flag.TENANT.name, flag.ALL_TENANTS.name),
      ...nothingThrough(flags),
    ],
    run: list,
  },
  {
    name: "get",
    key: "required",
    summary: "Everything of one record.",
    roles: MAY_LOOK,
    flags: [...NAMED, flag.RESULT, flag.RAW],
    problems: none,
    run: get,
  },
  {
    name: "why",
    key: "required",
    summary: "Why a record is as it is, what happened to it, and what you can do.",
    roles: MAY_LOOK,
    flags: NAMED,
    problems: none,
    run: why,
  },
  {
    name: "release",
    key: "required",
    summary: "Take the lease of a record away from its holder.",
    roles: MAY_CHANGE,
    flags: [...NAMED, flag.REASON, flag.FENCE, flag.YES],
    problems: none,
    run: release,
  },
  {
    name: "resolve",
    key: "required",
    summary: "Say what an unknown outcome was.",
    roles: MAY_CHANGE,
    flags: [
      ...[...NAMED, flag.REASON, flag.COMPLETED_TEXT, flag.COMPLETED_JSON, flag.COMPLETED_FILE, flag.CONTENT_TYPE],
      ...[flag.FAILED_MESSAGE, flag.FAILED_CODE, flag.NOT_DONE, flag.FORCE_RESOLVE, flag.FENCE, flag.YES],
    ],
    problems: verdictProblems,
    run: resolve,
  },
  {
    name: "reset",
    key: "required",
    summary: "Make the next claim of a record a first claim.",
    roles: MAY_CHANGE,
    flags: [...NAMED, flag.REASON, flag.FORCE_RESET, flag.FENCE, flag.YES],
    problems: none,
    run: reset,
  },
  {
    name: "purge",
    key: "optional",
    summary: "Delete a record, or those of a scope or a tenant, with all that is known of them.",
    roles: MAY_CHANGE,
    flags: [...NAMED, flag.REASON, flag.ALL_OF_SCOPE, flag.ALL_OF_TENANT, flag.FORCE_PURGE, flag.YES],
    problems: purgeProblems,
    run: purge,
  },
];

function exclusive(flags: ReadonlyMap<string, unknown>, one: string, other: string): readonly string[] {
  return flags.has(one) && flags.has(other) ? [`--${one} and --${other} contradict each other`] : [];
}

/** Filters that together let nothing through: that there is nothing must not be the answer to a slip. */
function nothingThrough(flags: GivenFlags): readonly string[] {
  // What is not allowed by itself is told as that.
  const [states, older, newer] = [flag.STATE, flag.OLDER_THAN, flag.NEWER_THAN].map(
    ({ name }) => flags.get(name) ?? [],
  );
  const problems: string[] = [];
  if (flags.has(flag.STUCK.name) && states?.length !== 0 && states?.every((state) => ENDS.has(state))) {
    problems.push("--stuck goes with --state in-progress, available or outcome-unknown: what has ended is not stuck");
  }
  const [olderMs, newerMs] = [older?.[0], newer?.[0]].map((given) => age.parse(given ?? ""));
  if (olderMs !== undefined && newerMs !== undefined && newerMs < olderMs) {
    problems.push("--newer-than must be at least --older-than, or no record is both");
  }
  return problems;
}

const ENDS: ReadonlySet<string> = new Set<State>(["completed", "failed", "expired"]);

import { contract, unit } from "../checks.ts";
import type { Mutant } from "../mutant.ts";

/** Tenants that are not apart. */
export const TENANTS: readonly Mutant[] = [
  {
    id: "tenant-as-named",
    name: "serves the tenant that a caller names, whoever the caller is",
    patches: [
      {
        file: "src/operations/access.ts",
        find: "  if (principal.tenant !== null && principal.tenant !== id) throw notVisible(principal);\n",
        replace: "",
      },
    ],
    killedBy: [
      unit(
        "operations/access.test.ts",
        "Complete > tells an unknown tenant from one that is not visible to nobody",
        /expected \{ reason: 'TENANT_FORBIDDEN', .* to deeply equal \{ reason: 'RECORD_NOT_FOUND'/,
      ),
    ],
  },
  {
    id: "list-any-tenant",
    name: "lists the open records of all tenants",
    patches: [
      {
        file: "src/store/postgres/list-open.sql",
        find: "    where k.tenant = $1::text\n      and k.end_time is null",
        replace: "    where ($1::text is null or true)\n      and k.end_time is null",
      },
    ],
    killedBy: [
      contract(
        "shows one scope, or keys that begin with the same bytes, and nothing of another tenant",
        /expected \[ 'a\/1', 'a\/1', .* to deeply equal \[ 'a\/1', 'a\/10',/,
      ),
    ],
  },
  {
    id: "unfair-queue",
    name: "fills batches with the calls of one tenant as long as it has any",
    patches: [
      {
        file: "src/store/postgres/fair-queue.ts",
        find: "      if (!alone && (cost > tenant.deficit || hasItsHalf(tenant))) break;\n",
        replace: "",
      },
    ],
    killedBy: [
      unit(
        "store/fair-queue.test.ts",
        "a tenant with a flood of calls does not delay one with a few",
        /expected \+0 to be 3/,
      ),
    ],
  },
  {
    id: "shared-progress",
    name: "remembers how far work is by its key, whoever's it is",
    patches: [
      {
        file: "src/rpc/wire/stored.ts",
        find: `export function decodeProgress({ progress }: StoredRecord): Progress | undefined {
  return progress === null ? undefined : fromBinary(ProgressSchema, progress);`,
        replace: `const KNOWN = new Map<string, Uint8Array>();
export function decodeProgress({ progress: own, key }: StoredRecord): Progress | undefined {
  const progress = KNOWN.get(key.key) ?? own;
  if (progress !== null) KNOWN.set(key.key, progress);
  return progress === null ? undefined : fromBinary(ProgressSchema, progress);`,
      },
    ],
    killedBy: [
      {
        ...{ kind: "vitest", layer: "process", project: "process", file: "test/process/histories-tenants.test.ts" },
        ...{ test: "no answer holds what is another tenant's", shows: /"an answer to \w+ holds what is \w+'s"/ },
      },
    ],
    note: "V6 alone sees it: progress is in no model, and no other validator looks at it.",
  },
  {
    id: "movable-seal",
    name: "seals content so that it opens in any record of its tenant",
    patches: [
      {
        file: "src/store/sealed/envelope.ts",
        find: '"holdfast/envelope/1", kind, key.tenant, key.scope, key.key);',
        replace: '"holdfast/envelope/1", kind, key.tenant);',
      },
    ],
    killedBy: [
      unit(
        "store/sealed/envelope.test.ts",
        "an envelope opens in its own place only, not > under another key",
        /expected Uint8Array\[ 112, 97, 105, 100 \] to be null/,
      ),
    ],
  },
  {
    id: "lookalike-keys",
    name: "takes keys for equal that differ in their case",
    patches: [
      {
        file: "src/store/postgres/batch-rows.ts",
        find: "    textArray(calls, ({ key }) => key.key),",
        replace: "    textArray(calls, ({ key }) => key.key.toLowerCase()),",
      },
    ],
    killedBy: [
      contract("normalisation and look-alikes makes another record", /bug: a row of a batch is another call's/),
    ],
  },
];

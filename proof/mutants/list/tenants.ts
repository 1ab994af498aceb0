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
      unit("operations/access.test.ts", "Complete > tells an unknown tenant from one that is not visible to nobody"),
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
    killedBy: [contract("shows one scope, or keys that begin with the same bytes, and nothing of another tenant")],
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
    killedBy: [unit("store/fair-queue.test.ts", "a tenant with a flood of calls does not delay one with a few")],
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
      unit("store/sealed/envelope.test.ts", "an envelope opens in its own place only, not > under another key"),
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
    killedBy: [contract("normalisation and look-alikes makes another record")],
  },
];

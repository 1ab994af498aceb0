import { BATCHES } from "./list/batches.ts";
import { DURABILITY } from "./list/durability.ts";
import { ENDS } from "./list/ends.ts";
import { LEASES } from "./list/leases.ts";
import { OPERATORS } from "./list/operators.ts";
import { TENANTS } from "./list/tenants.ts";
import { WAITING } from "./list/waiting.ts";
import type { Mutant } from "./mutant.ts";

/**
 * What is taken out of the service, one at a time, so that each check has something to find. M1 to M16 have the names
 * that they have in proof/model and proof/sim, where the like is taken out of a model or of a simulated database; here it
 * is the code that runs in production, which contains nothing of any of it.
 */
export const MUTANTS: readonly Mutant[] = [
  ...[...LEASES, ...ENDS, ...DURABILITY, ...BATCHES, ...WAITING].filter(isNumbered).toSorted(byNumber),
  ...[...LEASES, ...ENDS, ...DURABILITY, ...OPERATORS, ...BATCHES, ...WAITING, ...TENANTS].filter(
    (mutant) => !isNumbered(mutant),
  ),
];

function isNumbered({ id }: Mutant): boolean {
  return /^M\d+/.test(id);
}

function byNumber(a: Mutant, b: Mutant): number {
  return a.id.localeCompare(b.id, "en", { numeric: true });
}

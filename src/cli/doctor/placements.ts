import { MAIN } from "../../server/database-source.ts";
import type { PlacementFacts, TenantPlacementFacts } from "../../store/postgres/doctor/facts.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** A database that was named, and what it says it is; null: it does not say. */
export interface Identified {
  readonly name: string;
  readonly identity: string | null;
}

const PAGE = 'docs/scaling.md, "Replacing a cluster"';

/** @param known by main; `databases` without those that could not be asked */
export function judgePlacements(
  databases: readonly Identified[],
  known: readonly PlacementFacts[],
  tenants: readonly TenantPlacementFacts[],
  named: readonly string[],
): Finding[] {
  const { ok } = findingsOf("placements");
  const findings = [
    ...databases.flatMap((database) => misnamed(database, databases, known)),
    ...homeless(tenants, named),
  ];
  if (findings.length > 0) return findings;
  const all =
    named.length === 1
      ? "There is one database, main"
      : `Each of the ${named.length} databases is the one that its name belongs to`;
  return [ok(`${all}, and every tenant is on one that was named.`)];
}

function misnamed(
  { name, identity }: Identified,
  all: readonly Identified[],
  known: readonly PlacementFacts[],
): Finding[] {
  const { problem } = findingsOf("placements");
  if (identity === null) {
    return [
      problem(`${name} has lost its identity, the row of holdfast.identity: no server opens it.`, `See ${PAGE}.`),
    ];
  }
  const twin = all.find((other) => other.name < name && other.identity === identity);
  if (twin !== undefined) {
    return [
      problem(
        `${name} and ${twin.name} are one database, or one is a copy of the other.`,
        `Correct the address of one; of a copy, see ${PAGE}.`,
      ),
    ];
  }
  if (name === MAIN) return [];
  const byName = known.find((one) => one.name === name);
  const byIdentity = known.find((one) => one.identity === identity);
  if (byName !== undefined && byName.identity !== identity) {
    return [
      problem(
        `main knows another database as ${name}: servers with this address do not open it.`,
        `Correct the address, or see ${PAGE}.`,
      ),
    ];
  }
  if (byIdentity !== undefined && byIdentity.name !== name) {
    return [
      problem(
        `main knows this database as ${byIdentity.name}, not as ${name}.`,
        `Correct the address, or see ${PAGE}.`,
      ),
    ];
  }
  return [];
}

function homeless(tenants: readonly TenantPlacementFacts[], named: readonly string[]): Finding[] {
  const { warning } = findingsOf("placements");
  return tenants
    .filter(({ name }) => !named.includes(name))
    .map(({ name, tenants: count }) =>
      warning(
        `${count === 1 ? "A tenant is" : `${count} tenants are`} on the placement ${name}, which was not named here.`,
        "Servers without it refuse their calls: give servers, and doctor, the same --placements.",
      ),
    );
}

/** As far as these tests read the JSON of `explain`. */
export interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "CTE Name"?: string;
  readonly "Index Cond"?: string;
  readonly "Parent Relationship"?: string;
  readonly Plans?: readonly Plan[];
}

/** Every scan of the table in the plan; a node that changes the table is none. */
export function scansOf(plan: Plan, table: string): readonly Plan[] {
  return nodesOf(plan).filter((node) => node["Relation Name"] === table && node["Node Type"].includes("Scan"));
}

/** These hold one row. */
const SINGLE = ["moment", "setting", "g", "found", "head", "changed", "summary"];

/** Nested loops that go through a list of many rows for each row of another: quadratic in the batch. */
export function listLoops(plan: Plan): readonly string[] {
  return nodesOf(plan)
    .filter((node) => node["Node Type"] === "Nested Loop")
    .filter((loop) => children(loop).every((side) => listsOf(side).length > 0))
    .map((loop) =>
      children(loop)
        .map((side) => listsOf(side).join(", "))
        .join(" × "),
    );
}

/** What is read from end to end below a side of a join. A sub-plan is evaluated once, so it is no part of the side. */
function listsOf(plan: Plan): readonly string[] {
  const here =
    plan["Node Type"] === "CTE Scan" || plan["Node Type"] === "Function Scan" ? (plan["CTE Name"] ?? "function") : null;
  const below = children(plan).flatMap(listsOf);
  return here === null || SINGLE.includes(here) ? below : [here, ...below];
}

function children(plan: Plan): readonly Plan[] {
  return (plan.Plans ?? []).filter((child) => child["Parent Relationship"] !== "InitPlan");
}

function nodesOf(plan: Plan): readonly Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

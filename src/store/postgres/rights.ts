import type { Client } from "pg";

/**
 * What the role of a server needs on the tables of each database, and no more: what its statements ask for, and its
 * triggers, which run as whoever makes a change. docs/operations.md has it for whoever makes the role;
 * test/postgres/rights.test.ts shows that each of these is needed, and the other tests, whose servers have no others, that
 * they suffice. Whoever makes a table makes a line here, and lets the migration grant it.
 */
export const RIGHTS: Readonly<Record<string, readonly Right[]>> = {
  record: ["select", "insert", "update", "delete"],
  record_event: ["select", "insert", "update", "delete"],
  fence_floor: ["select", "update"],
  identity: ["select"],
  migration: ["select"],
  placement: ["select", "insert"],
  tenant: ["select", "insert", "update", "delete"],
  tenant_host: ["select", "insert", "delete"],
  tenant_issuer: ["select", "insert", "update", "delete"],
  tenant_key: ["select", "insert", "update"],
  tenant_usage: ["select", "insert", "update"],
  api_key: ["select", "insert", "update"],
  audit: ["select", "insert", "update"],
  audit_head: ["select", "update"],
};

export type Right = "select" | "insert" | "update" | "delete";

/** A list of rights in one argument would ask for any of them. */
const LACKING = `
  select needed.privilege || ' on ' || needed.name as lacking
    from unnest($1::text[], $2::text[]) with ordinality as needed (name, privilege, place)
   where not has_table_privilege('holdfast.' || needed.name, needed.privilege)
   order by needed.place`;

/** "update on audit_head" */
export async function findLacking(client: Client): Promise<readonly string[]> {
  const needed = Object.entries(RIGHTS).flatMap(([table, rights]) => rights.map((right) => [table, right] as const));
  const arrays = [needed.map(([table]) => table), needed.map(([, right]) => right)];
  const { rows } = await client.query<{ lacking: string }>(LACKING, arrays);
  return rows.map(({ lacking }) => lacking);
}

/** Tables with the same rights in one statement. Those of tables to come are granted by the migrations that make them. */
export function grantsSql(role: string): readonly string[] {
  const tables = Map.groupBy(Object.keys(RIGHTS), (table) => RIGHTS[table]?.join(", ") ?? "");
  const grants = [...tables].map(([rights, names]) => {
    const list = names.map((name) => `holdfast.${name}`).join(", ");
    return `grant ${rights} on ${list} to ${role};`;
  });
  return [`grant usage on schema holdfast to ${role};`, ...grants];
}

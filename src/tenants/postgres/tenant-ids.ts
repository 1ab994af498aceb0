import type { Connection } from "../../store/postgres/connection.ts";
import { loadStatement } from "./statement.ts";

const ALL = loadStatement("tenant-ids");
const EAGER = loadStatement("eager-tenant-ids");

/** Those of a greater id, by id. */
export async function readTenantIds(
  connection: Connection,
  which: "all" | "eager",
  after: string,
  limit: number,
): Promise<readonly string[]> {
  const rows = await connection.query<{ readonly id: string }>(which === "all" ? ALL : EAGER, [after, limit]);
  return rows.map(({ id }) => id);
}

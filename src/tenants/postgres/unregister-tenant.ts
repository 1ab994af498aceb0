import type { Connection } from "../../store/postgres/connection.ts";
import type { Change } from "../table.ts";
import { loadStatement } from "./statement.ts";

const UNREGISTER = loadStatement("unregister-tenant");

/** False when there was none. */
export async function unregisterTenant(
  connection: Connection,
  id: string,
  { actor, reason }: Change,
): Promise<boolean> {
  return (await connection.query(UNREGISTER, [id, actor, reason])).length > 0;
}

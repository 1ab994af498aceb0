import type { Connection } from "../../store/postgres/connection.ts";
import type { Change } from "../table.ts";
import { loadStatement } from "./statement.ts";

const DRAIN = loadStatement("drain-tenant");

/** False when there is none, or it is so already. */
export async function drainTenant(
  connection: Connection,
  id: string,
  draining: boolean,
  { actor, reason }: Change,
): Promise<boolean> {
  return (await connection.query(DRAIN, [id, draining, actor, reason])).length > 0;
}

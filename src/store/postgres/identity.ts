import type { Client } from "pg";
import type { Connection } from "./connection.ts";
import { loadStatement } from "./statement.ts";

/** What main knows of a placement's name and of a database. */
export type Acquaintance =
  /** Each belongs to the other. */
  | { readonly kind: "agreed" }
  /** The name belongs to another database. */
  | { readonly kind: "other-database" }
  /** The database, or one that it is a copy of, belongs to another name. */
  | { readonly kind: "other-name"; readonly name: string }
  /** Somebody has just let main forget the name. */
  | { readonly kind: "forgotten" };

const READ_IDENTITY = loadStatement("read-identity");
const RECORD = loadStatement("record-placement");
const READ = loadStatement("read-placement");

/** Null when it has lost its identity. */
export async function readIdentity(connection: Connection): Promise<string | null> {
  const [row] = await connection.query<{ readonly id: string }>(READ_IDENTITY, []);
  return row?.id ?? null;
}

/**
 * Asks main whether the name belongs to the database, and makes it so when main knows neither. Of any number who do this
 * at once with different databases, one is right: the rest wait for its insert, and read in a statement of their own,
 * which sees it.
 *
 * @param main outside of a transaction
 */
export async function acquaint(main: Connection, name: string, identity: string): Promise<Acquaintance> {
  await main.query(RECORD, [name, identity]);
  const rows = await main.query<{ readonly name: string; readonly is_same: boolean }>(READ, [name, identity]);
  const known = rows.find(({ is_same }) => is_same);
  if (known?.name === name) return { kind: "agreed" };
  if (known !== undefined) return { kind: "other-name", name: known.name };
  return { kind: rows.length > 0 ? "other-database" : "forgotten" };
}

/** What `withClient` lends, for what asks for a connection. Statements go without their names: this is for a few of them. */
export function connectionOf(client: Client): Connection {
  return {
    async query<Row>({ text }: { readonly text: string }, values: readonly unknown[]) {
      const { rows } = await client.query({ text, values: [...values] });
      return rows as Row[];
    },
  };
}

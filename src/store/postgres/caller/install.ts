import { readFileSync } from "node:fs";
import { type Client, escapeIdentifier } from "pg";

const CHECK = readFileSync(new URL("check.sql", import.meta.url), "utf8");
const SCRIPT = readFileSync(new URL("install.sql", import.meta.url), "utf8");

/** "holdfast" in bytes, and one more. One at a time: two that make the same schema at once get in each other's way. */
const LOCK = "7525352680829580149";

/** Names that are the same with and without quotes, so that nobody has to know which are quoted here. */
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

export function isSchemaName(name: string): boolean {
  return SCHEMA_NAME.test(name) && !name.startsWith("pg_");
}

/** What installs the fence into a schema of somebody's own database, as a script for psql. */
export function installScript(schema: string): string {
  return `begin;\n${statementsFor(schema)}commit;\n`;
}

/** The same over a client. Nothing is changed when it throws. */
export async function installFence(client: Client, schema: string): Promise<void> {
  await client.query("begin isolation level read committed");
  try {
    await client.query(statementsFor(schema));
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined); // The first error is the one to tell; the session is going.
    throw error;
  }
}

/**
 * A schema that is there is not asked to be made: that takes a right which nobody needs then. It is checked once more at
 * the end, for what somebody has made there meanwhile.
 */
function statementsFor(schema: string): string {
  if (!isSchemaName(schema)) throw new Error("bug: a schema's name was not checked");
  const name = escapeIdentifier(schema);
  const inSchema = (script: string) => script.replaceAll("@schema@", name);
  return `set local search_path = pg_catalog, pg_temp;
set local client_min_messages = warning;
select pg_advisory_xact_lock(${LOCK});
do $$
begin
  if to_regnamespace('${name}') is null then
    create schema ${name};
  end if;
end
$$;

${inSchema(CHECK)}
${inSchema(SCRIPT)}
${inSchema(CHECK)}`;
}

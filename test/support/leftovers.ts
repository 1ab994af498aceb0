import pg from "pg";

/** Every database of a test run is called so, and its role; the run's id follows, and then what it is for. */
export const databasePrefix = "holdfast_test_";

/** Drops what a run has made. */
export async function removeRun(client: pg.Client, run: string): Promise<void> {
  const prefix = `${databasePrefix}${run}_`;
  for (const name of await databasesLike(client, prefix)) await drop(client, name);
  for (const name of await rolesLike(client, prefix)) await dropRole(client, name);
}

/**
 * Drops what crashed runs left on a server that outlives them. A run is crashed when nobody is connected under its
 * application name, which is seen in all databases of a server; advisory locks, the other candidate, end at theirs.
 */
export async function removeLeftovers(client: pg.Client): Promise<void> {
  for (const name of await databasesLike(client, databasePrefix)) {
    if (await isCrashed(client, name)) await drop(client, name);
  }
  // After the databases, in which they have rights.
  for (const name of await rolesLike(client, databasePrefix)) {
    if (await isCrashed(client, name)) await dropRole(client, name);
  }
}

async function isCrashed(client: pg.Client, name: string): Promise<boolean> {
  const run = name.slice(databasePrefix.length).split("_")[0];
  const { rowCount } = await client.query("select from pg_stat_activity where application_name = $1", [
    `holdfast-test-run-${run}`,
  ]);
  return rowCount === 0;
}

async function drop(client: pg.Client, name: string): Promise<void> {
  await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
}

async function dropRole(client: pg.Client, name: string): Promise<void> {
  await client.query(`drop role if exists ${pg.escapeIdentifier(name)}`);
}

async function rolesLike(client: pg.Client, prefix: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ rolname: string }>(
    "select rolname from pg_roles where starts_with(rolname, $1)",
    [prefix],
  );
  return rows.map(({ rolname }) => rolname);
}

async function databasesLike(client: pg.Client, prefix: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ datname: string }>(
    `select datname
       from pg_database
      where starts_with(datname, $1)
        and pg_has_role(datdba, 'usage')`,
    [prefix],
  );
  return rows.map(({ datname }) => datname);
}

import pg from "pg";

/** Holds every record back, as somebody's own transaction would; resolves with what lets go. */
export async function lockRecords(url: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("begin");
  await client.query("lock table holdfast.record in access exclusive mode");
  return () => client.end();
}

/** Resolves when a statement of somebody's waits for the lock: the calls have arrived. */
export async function untilBlocked(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const blocked = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  while ((await client.query(blocked)).rowCount === 0);
  await client.end();
}

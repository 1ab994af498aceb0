import type pg from "pg";

/** As somebody changes the audit log who owns its table, or as a backup brings back an older one. */
export async function tamper(client: pg.Client, ...statements: readonly string[]): Promise<void> {
  await client.query("begin");
  try {
    await client.query("alter table holdfast.audit disable trigger user");
    for (const statement of statements) await client.query(statement);
    await client.query("alter table holdfast.audit enable trigger user");
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

/** Inserts lines as a server does: each takes the next number and holds the head until the commit. */
export async function logLine(
  client: pg.Client,
  line: {
    readonly action?: string;
    readonly subject?: string;
    readonly tenant?: string | null;
    readonly reason?: string;
    readonly detail?: string;
    readonly scope?: string;
    readonly key?: string;
  } = {},
): Promise<bigint> {
  const { action = "change" } = line;
  const { subject = "one", tenant = "acme", reason = "", detail = "{}", scope = null, key = null } = line;
  const kind = scope === null ? "tenant" : "record";
  const { rows } = await client.query(
    `with head as (
       update holdfast.audit_head set sequence = sequence + 1 returning sequence
     )
     insert into holdfast.audit (
       sequence, actor, action, subject_kind, subject, tenant, reason, detail, record_scope, record_key
     )
     select head.sequence, 'api-key:me', $8, $1, $2, $3, $4, $5::jsonb, $6, $7
     from head
     returning sequence`,
    [kind, subject, tenant, reason, detail, scope, key, action],
  );
  return BigInt(rows[0].sequence);
}

/**
 * How a statement of ours is run. Times bound how long one whose caller has gone can still take effect, and how long a
 * row locked elsewhere holds up a batch. The planner must not join two lists row by row, which is what it chooses on an
 * empty or fresh table.
 *
 * Behind a pooler that lends its connections for one transaction these are the role's: what a session sets for itself
 * would stay with the connection, for whoever is lent it next, and not with the session.
 */
export const ROLE_SETTINGS: Readonly<Record<string, string>> = {
  lock_timeout: "1s",
  statement_timeout: "3s",
  // One that lies between two statements holds its locks, of the audit log too, for as long as the other side is silent.
  idle_in_transaction_session_timeout: "5s",
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_mergejoin: "off",
  jit: "off",
  // A role may have warnings turned off, and one of them says that a commit may exist here and nowhere else.
  client_min_messages: "warning",
  // The statements are planned for any number of rows. Left alone, the planner prices a batch by its arrays' lengths and
  // plans it anew each time: a millisecond that no batch gets back.
  plan_cache_mode: "force_generic_plan",
};

/** Of a session that has its connection to itself: the formats are those that are decoded fastest. */
export const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  ...ROLE_SETTINGS,
  idle_session_timeout: "0",
  timezone: "UTC",
  datestyle: "ISO, YMD",
  bytea_output: "hex",
};

/** What makes them those of the role, in one database; both names quoted as SQL wants them. */
export function roleSettingsSql(role: string, database: string): string {
  return Object.entries(ROLE_SETTINGS)
    .map(([name, value]) => `alter role ${role} in database ${database} set ${name} = '${value}';`)
    .join(" ");
}

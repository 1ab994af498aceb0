/** What a statement, or what lies around it, can lack: for mutants only. */
export type Flaw =
  /** Rows are locked in any order. */
  | "unordered-locks"
  /** An end or a heartbeat is taken whatever its token, or whatever its fence. */
  | "no-token"
  | "no-fence"
  /** A record is flagged whatever has become of it since it was read. */
  | "blind-flag"
  /** The number of the attempt is its fence. */
  | "attempt-as-fence"
  /** Rows are handed to the calls in the order in which they come, those left out too. */
  | "by-position"
  /** A record is stored under its scope and key with a slash between. */
  | "joined-keys"
  /** Reads come from a standby that lags. */
  | "stale-reads"
  /** An end is acknowledged before it is on any disk. */
  | "lazy-ends"
  /** An end is answered before it is committed. */
  | "early-answers"
  /** Housekeeping and purges do not look at whether somebody holds the record. */
  | "purge-live"
  /** A claim that runs late acquires all the same. */
  | "no-not-after";

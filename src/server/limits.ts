/** What the servers bound and nobody has to configure. */

/** A request whose message has not wholly arrived after this time is closed: nobody may hold a call open by silence. */
export const REQUEST_MS_MAX = 10_000;

/** How often the age of unfinished requests is looked at. */
export const REQUEST_CHECK_MS = 1000;

/** The longest deadline that is told apart from none: what fits a timer of Node, 24.8 days. */
export const TIMEOUT_MS_MAX = 2 ** 31 - 1;

export const KEEPALIVE_MS = 60_000;
export const KEEPALIVE_TIMEOUT_MS = 20_000;

/** How long calls in flight may go on after their connection has reached its age. */
export const CONNECTION_AGE_GRACE_MS = 30_000;

/** An idle HTTP connection is kept for longer than the minute that common load balancers keep theirs. */
export const HTTP_KEEPALIVE_MS = 65_000;

/** How often it is looked whether the database is there. */
export const PROBE_INTERVAL_MS = 250;

/** Beyond drain delay and grace: what stopping may take before the process ends all the same. */
export const STOP_SLACK_MS = 5000;

/** A change of a tenant is seen within a second; a new tenant by those who asked too early, too. */
export const TENANT_TTL_MS = 1000;
export const TENANT_ABSENT_TTL_MS = 1000;
export const TENANTS_MAX = 10_000;

/** Of each kind, in one pass of the sweeper: a few milliseconds of row locks. */
export const SWEEP_RECORDS_MAX = 2000;

/** How long a start waits for a database that has accepted a connection to become usable. */
export const START_MS_MAX = 15_000;
export const START_RETRY_MS = 50;

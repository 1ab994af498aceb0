/** Where something may come out. */
export type Place =
  | "log"
  | "stderr"
  | "metrics"
  | "readyz"
  /** Everything that was not OK, on both ports, headers and details included. */
  | "errors"
  /** The same, for whoever administers all. */
  | "admin's errors"
  | "spans"
  /** Of those who administer all, or have the database. */
  | "command line"
  | "plain's command line"
  | "sealed's command line"
  /** The table, and what prints it. */
  | "audit"
  | "audit command"
  /** What its own tenant is answered. */
  | "plain's answers"
  | "sealed's answers"
  /** What those are answered who may mend its records, and not read what they hold. */
  | "plain's operator's answers"
  | "sealed's operator's answers"
  /** What everybody else is answered. */
  | "others' answers"
  /** What whoever administers all is answered. */
  | "admin's answers"
  /** With their histories. */
  | "plain's records"
  | "sealed's records"
  /** Beside records, their histories and the audit log. */
  | "other tables";

const NOWHERE: readonly Place[] = [];
const ADMIN: readonly Place[] = ["admin's answers", "command line", "other tables"];
/** A collision names the host. */
const REGISTERED: readonly Place[] = [...ADMIN, "audit", "audit command", "plain's answers"];

type Who = "plain" | "sealed";

/** What ends and checkpoints hold. */
const content = (who: Who): readonly Place[] => [
  ...([`${who}'s answers`, `${who}'s command line`] as const),
  ...(who === "plain" ? (["plain's records"] as const) : []),
];
/** What operators see of a record whether or not they may read what it holds. */
const shown = (who: Who) => [`${who}'s answers`, `${who}'s operator's answers`, `${who}'s command line`] as const;
/** What a record is called: the audit log says what was changed. */
const named = (who: Who): readonly Place[] => [...shown(who), `${who}'s records`, "audit", "audit command"];

/**
 * Which may be seen where: exactly there, or the test would not notice that it looks at nothing. What a tenant encrypts
 * is the content of its ends and checkpoints; what its records are called and who works on them is stored as it is.
 */
export const MAY_BE_SEEN = {
  "admin's key": NOWHERE,
  "plain's key": NOWHERE,
  "a wrong key": NOWHERE,
  "a good token": NOWHERE,
  "a token that is forged": NOWHERE,
  "a claim of a token": NOWHERE,
  // In the log because its holder drained a tenant: who changes something is named.
  "a token's subject": ["log", "audit", "audit command"],
  "the password of the main database": NOWHERE,
  "the password of the other database": NOWHERE,
  "the password of a database that is not there": NOWHERE,
  "the master key": NOWHERE,
  "a master key in a file that is wrong": NOWHERE,
  "a validator's query": ADMIN,
  "a validator's password": NOWHERE,
  "a validator's body": NOWHERE,
  "a validator's header": NOWHERE,
  "where a validator redirects": NOWHERE,
  "a host of plain": [...REGISTERED, "admin's errors"],
  "an issuer of plain": REGISTERED,
  "a tenant's id": [...ADMIN, "log", "audit", "audit command", "others' answers"],
  "a reason": ["audit", "audit command"],
  "a header": NOWHERE,
  "a field that is refused": NOWHERE,
  "plain's operator's key": NOWHERE,
  "plain's reader's key": NOWHERE,
  "plain's result": content("plain"),
  "plain's error": content("plain"),
  "plain's checkpoint": content("plain"),
  "plain's resolved result": content("plain"),
  "plain's resolved error": content("plain"),
  "plain's fingerprint": ["plain's records"],
  "plain's scope": named("plain"),
  "plain's record key": named("plain"),
  // Erased from the audit log too.
  "plain's purged key": ["plain's answers", "plain's operator's answers"],
  "plain's reason": ["audit", "audit command", ...shown("plain")],
  "plain's metadata": [...shown("plain"), "plain's records"],
  "plain's owner": [...shown("plain"), "plain's records"],
  "plain's reference": [...shown("plain"), "plain's records"],
  "plain's progress": [...shown("plain"), "plain's records"],
  "sealed's operator's key": NOWHERE,
  "sealed's reader's key": NOWHERE,
  "sealed's result": content("sealed"),
  "sealed's error": content("sealed"),
  "sealed's checkpoint": content("sealed"),
  "sealed's resolved result": content("sealed"),
  "sealed's resolved error": content("sealed"),
  "sealed's fingerprint": NOWHERE,
  "sealed's scope": named("sealed"),
  "sealed's record key": named("sealed"),
  // Erased from the audit log too.
  "sealed's purged key": ["sealed's answers", "sealed's operator's answers"],
  "sealed's reason": ["audit", "audit command", ...shown("sealed")],
  "sealed's metadata": [...shown("sealed"), "sealed's records"],
  "sealed's owner": [...shown("sealed"), "sealed's records"],
  "sealed's reference": [...shown("sealed"), "sealed's records"],
  "sealed's progress": [...shown("sealed"), "sealed's records"],
} as const satisfies Record<string, readonly Place[]>;

export type Canary = keyof typeof MAY_BE_SEEN;
export const NAMES = Object.keys(MAY_BE_SEEN) as readonly Canary[];

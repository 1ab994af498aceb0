/**
 * What a hostile or careless caller sends, numbered; every test names its row. The gaps belong to what the server does
 * not have yet: 20 to 29 credentials, 32 disabled and draining tenants, 91 and 92 validators of tenants,
 * 94 notifications, and of 95 the encrypted results. The numbers between were never given out.
 */
export const ROWS = {
  1: "an empty message",
  2: "a message over 1.25 MiB",
  4: "a message that is announced and never comes",
  5: "random bytes",
  7: "100 000 unknown fields",
  8: "unknown fields nested 10 000 deep",
  10: "names of object properties in JSON",
  11: "a small body that unpacks to a GiB",
  13: "an unknown method, service or path",
  14: "another protocol",
  16: "a timeout that is none",
  17: "thousands of headers, or one of a MiB",
  19: "headers that are no text",
  31: "a tenant that does not exist",
  34: "scopes and keys that are too long or too short",
  35: "scopes and keys at their bounds",
  37: "text that is not UTF-8",
  38: "separators in scope and key",
  40: "keys that look alike",
  41: "writing that is hard to print",
  43: "keys that are names of object properties",
  44: "malformed fingerprints",
  46: "another fingerprint under the same key",
  47: "malformed claim_ids",
  49: "one claim_id in two threads",
  50: "claim_ids and handles of another tenant",
  52: "malformed durations",
  53: "durations out of range",
  55: "a deadline of a millisecond",
  56: "callers that go away",
  58: "2 000 calls at once on one connection",
  59: "tokens that were never given out",
  61: "fences of others",
  62: "fences at the ends of the integers",
  64: "a heartbeat shorter than what is left",
  65: "hundreds of heartbeats of one lease at once",
  67: "an empty result",
  68: "results at their bound",
  70: "the same end twice",
  71: "another end after the first",
  73: "an end after the lease",
  74: "an end after a takeover",
  76: "metadata that is too large",
  77: "malformed failures",
  79: "a result after a failure that may be retried",
  80: "a wait for what must exist and does not",
  82: "waits for too little, too much, too short or too long",
  83: "one waiter or one record too many",
  85: "a reader who never reads",
  86: "a thousand waits for one record on one connection",
  88: "hosts and tenants that are patterns",
  89: "guesses at tenants' names",
  95: "rows that nobody but an operator can write",
} as const;

export type RowNumber = keyof typeof ROWS;

/** The name of a row's tests. */
export function row(number: RowNumber): string {
  return `${number} · ${ROWS[number]}`;
}

import { createHash } from "node:crypto";

/** What becomes of an event whose worker dies; the words of the client. */
export type LeaseExpiry = "hold" | "reacquire";

/** One event in this many is claimed with "reacquire". */
const REACQUIRE_ONE_IN = 4;

/**
 * Which policy an event is claimed with: the same for each of its deliveries, in whatever log it is. Most are charged
 * where nothing is checked, and held; the others where fences are compared, and so may be taken over (handle.ts).
 */
export function leaseExpiryOf(eventId: string): LeaseExpiry {
  const [first = 0] = createHash("sha256").update(eventId).digest();
  return first % REACQUIRE_ONE_IN === 0 ? "reacquire" : "hold";
}

import { SessionRequestSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { Fault } from "../domain/fault.ts";
import { Malformed } from "./endpoint.ts";

/** What goes wrong with a stream or a message of it, and not with the call in it. */

/** What ends the stream: nobody can tell which call would have to be answered. */
export const UNDECODABLE = invalid(`a message of the stream could not be decoded as ${SessionRequestSchema.typeName}`);
export const ID_ZERO = invalidField("id", "must be 1 or more");
export const ID_OPEN = invalidField("id", "must not be the id of a call that is still open on this stream");

/** What one call is answered. */
export const NO_CALL = invalidField("call", "must be set, to one of claim, heartbeat, complete, fail, cancel");
export const CANCELLED = new Fault("CANCELLED", "the call was cancelled");
export const GONE = new Fault("CANCELLED", "the stream has ended");

/**
 * What came after Goodbye. No method hears of it, and no metric: as of a unary call behind a GOAWAY, it crossed with the
 * word that nothing is taken any more, which a server says that stays as well as one that shuts down. Of the reasons
 * this one has the right consequences: UNAVAILABLE, nobody to blame, again a moment later.
 */
export const LATE = new Fault("DRAINING", "the stream is about to end, as Goodbye has said; call again on another one");

/** What stands in for the request of a call that is refused, so that it is counted and answered like any other. */
export const BAD_TIMEOUT = new Malformed(invalidField("timeout", "must be a duration of 0s or more"));

export function noRoomToWait(why: string): Malformed {
  return new Malformed(new Fault("OVERLOADED", why));
}

function invalidField(field: string, allowed: string): Fault {
  return invalid(`${field} ${allowed}`, field, allowed);
}

function invalid(message: string, field?: string, allowed = ""): Fault {
  return new Fault("FIELD_INVALID", message, field === undefined ? {} : { violations: [{ field, allowed }] });
}

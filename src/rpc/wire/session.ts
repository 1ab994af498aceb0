import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Duration } from "@bufbuild/protobuf/wkt";
import {
  type ClaimRequest,
  SessionGoodbye_Reason,
  SessionResponseSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { GoodbyeReason } from "../session-line.ts";
import type { SessionLimits } from "../session-tally.ts";
import { isWellFormedDuration } from "./time.ts";

/** The answers that are encoded before they are put into a SessionResponse. */
export type AnswerField = "claim" | "heartbeat" | "complete" | "fail" | "error";

const ID = SessionResponseSchema.field.id.number;

/** One for all: it keeps its buffer, and is empty again when it has finished. */
const head = new BinaryWriter();

/**
 * A SessionResponse with this id and this encoded answer, in two pieces: as `toBinary` writes it, without making the
 * message around the answer and without copying the answer, which may have a result of 1 MiB in it.
 */
export function encodeAnswer(id: bigint, field: AnswerField, answer: Uint8Array): readonly Uint8Array[] {
  const { number } = SessionResponseSchema.field[field];
  head.tag(ID, WireType.Varint).uint64(id).tag(number, WireType.LengthDelimited).uint32(answer.byteLength);
  return [head.finish(), answer];
}

export function encodeHello(limits: Omit<SessionLimits, "waitBytesMax">): Uint8Array {
  const { callsMax, waitsMax, requestBytesMax } = limits;
  return encode({ answer: { case: "hello", value: { callsMax, waitsMax, requestBytesMax } } });
}

const REASONS = {
  draining: SessionGoodbye_Reason.DRAINING,
  "max-age": SessionGoodbye_Reason.MAX_AGE,
} as const satisfies Record<GoodbyeReason, SessionGoodbye_Reason>;

export function encodeGoodbye(reason: GoodbyeReason): Uint8Array {
  return encode({ answer: { case: "goodbye", value: { reason: REASONS[reason] } } });
}

function encode(message: MessageInitShape<typeof SessionResponseSchema>): Uint8Array {
  return toBinary(SessionResponseSchema, create(SessionResponseSchema, message));
}

export function isTimeout(timeout: Duration): boolean {
  return isWellFormedDuration(timeout) && timeout.seconds >= 0n && timeout.nanos >= 0;
}

/** Of a duration that nothing is known of: what is none is not positive either. */
export function isPositive(duration: Duration | undefined): boolean {
  return duration !== undefined && (duration.seconds > 0n || duration.nanos > 0);
}

/** Nothing of this request is a view into the message that it came in any more: it has no other field of bytes. */
export function letGoOfFrame({ fingerprint }: ClaimRequest): void {
  if (fingerprint !== undefined) fingerprint.digest = Uint8Array.from(fingerprint.digest);
}

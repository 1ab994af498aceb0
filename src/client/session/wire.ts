import { type DescMethodUnary, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { type Duration, durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Status, StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import {
  type ClaimRequest,
  IdempotencyService,
  type SessionRequest,
  SessionRequestSchema,
  type SessionResponse,
  SessionResponseSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { STATUS_DETAILS, toDetail } from "../grpc-metadata.ts";
import type { SessionCall } from "./call.ts";

/** The calls that a session carries; a call and its answer have the same name. */
export type Carried = "claim" | "heartbeat" | "complete" | "fail";

const { claim, heartbeat, complete, fail, session } = IdempotencyService.method;

const CARRIED: ReadonlyMap<DescMethodUnary, Carried> = new Map<DescMethodUnary, Carried>([
  [claim, "claim"],
  [heartbeat, "heartbeat"],
  [complete, "complete"],
  [fail, "fail"],
]);

export const SESSION_PATH = `/${session.parent.typeName}/${session.name}`;

/** Undefined: only a unary call does it. */
export function carriedAs(method: DescMethodUnary): Carried | undefined {
  return CARRIED.get(method);
}

/** For how long the server may keep a claim open; 0 for what it answers as soon as it can, which counts apart. */
export function waitMsOf(kind: Carried, request: Message): number {
  if (kind !== "claim") return 0;
  const { wait } = request as ClaimRequest;
  const isPositive = wait !== undefined && (wait.seconds > 0n || wait.nanos > 0);
  return isPositive ? Math.max(1, durationMs(wait)) : 0;
}

/** The same claim, which waits for whole milliseconds of this time; 0 is not at all. */
export function withWait(request: Message, waitMs: number): Message {
  const claim = request as ClaimRequest;
  const cut: ClaimRequest = { ...claim, wait: durationFromMs(Math.floor(waitMs)) };
  return cut;
}

export function encodeCall(id: number, { kind, request, timeoutMs, traceparent }: SessionCall): Buffer {
  const timeout = timeoutMs > DURATION_MS_MAX ? undefined : durationOf(Math.ceil(timeoutMs));
  return encode(id, traceparent, timeout, { case: kind, value: request } as SessionRequest["call"]);
}

export function encodeCancel(id: number): Buffer {
  return encode(id, "", undefined, { case: "cancel", value: { $typeName: "holdfast.v1.SessionCancel" } });
}

export function decodeAnswer(bytes: Buffer): SessionResponse {
  return fromBinary(SessionResponseSchema, bytes);
}

/** As a unary call gives it: there the same Status comes in a trailer. */
export function errorOf(status: Status): ConnectError {
  const trailer = new Headers({ [STATUS_DETAILS]: Buffer.from(toBinary(StatusSchema, status)).toString("base64") });
  const wire = new ConnectError(status.message, status.code in Code ? status.code : Code.Unknown, trailer);
  wire.details = status.details.map(toDetail);
  return wire;
}

/** Not by create(), which copies: each call comes by here. */
function encode(id: number, traceparent: string, timeout: Duration | undefined, call: SessionRequest["call"]): Buffer {
  const $typeName = "holdfast.v1.SessionRequest";
  const message: SessionRequest = { $typeName, id: BigInt(id), timeout, traceparent, call };
  const { buffer, byteOffset, byteLength } = toBinary(SessionRequestSchema, message);
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** 24 days, the longest time that the server takes to the letter; what is longer is as long as the stream lasts. */
const DURATION_MS_MAX = 2 ** 31 - 1;

/** Nearly all calls have one and the same. */
let last: { readonly ms: number; readonly duration: Duration } = { ms: 0, duration: durationFromMs(0) };

function durationOf(ms: number): Duration {
  if (last.ms !== ms) last = { ms, duration: durationFromMs(ms) };
  return last.duration;
}

import { randomBytes } from "node:crypto";
import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import {
  AcquiredSchema,
  ClaimRequestSchema,
  ClaimResponseSchema,
  CompleteRequestSchema,
  LeaseSchema,
  SessionRequestSchema,
} from "../../gen/holdfast/v1/idempotency_pb.ts";

/** Keys and claim ids are of one length, as UUIDs are, so that a claim is a copy with two places overwritten. */
const ID_BYTES = 36;
const KEY_PLACE = "k".repeat(ID_BYTES);
const CLAIM_ID_PLACE = "c".repeat(ID_BYTES);

const BODY = Buffer.from(JSON.stringify({ id: "ch_3PqLx2", amount: 4200, currency: "eur", status: "succeeded" }));

export interface ClaimShape {
  readonly leaseSeconds?: number;
  readonly waitSeconds?: number;
}

/** Encodes claims of this shape. */
export function createClaims({ leaseSeconds = 60, waitSeconds = 0 }: ClaimShape = {}): (key: string) => Buffer {
  const request = create(ClaimRequestSchema, {
    key: { scope: "charge", key: KEY_PLACE },
    claimId: CLAIM_ID_PLACE,
    fingerprint: { algorithm: "jcs-sha256", digest: new Uint8Array(32).fill(7) },
    lease: { seconds: BigInt(leaseSeconds) },
    ...(waitSeconds > 0 && { wait: { seconds: BigInt(waitSeconds) } }),
    owner: { service: "billing", instance: "pod-7" },
  });
  const template = Buffer.from(toBinary(ClaimRequestSchema, request));
  const [keyAt, claimIdAt] = [template.indexOf(KEY_PLACE), template.indexOf(CLAIM_ID_PLACE)];
  const newClaimId = createNames();
  return (key) => {
    const bytes = Buffer.from(template);
    bytes.write(key, keyAt, "latin1");
    bytes.write(newClaimId(), claimIdAt, "latin1");
    return bytes;
  };
}

/** Names that nobody else makes; in no order, as those of most applications come. */
export function createNames(): () => string {
  const ours = randomBytes(8).toString("hex");
  let made = 0;
  return () => nameOf(ours, made++);
}

/** The name with this number of those that begin alike, up to 16 characters. */
export function nameOf(family: string, i: number): string {
  const scrambled = (Math.imul(i + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0");
  return `${scrambled}-${family.padEnd(16, "-")}-${i.toString(36).padStart(10, "0")}`;
}

const RESULT = toBinary(
  CompleteRequestSchema,
  create(CompleteRequestSchema, {
    result: { body: { case: "inline", value: BODY }, contentType: "application/json" },
  }),
);
const HANDLE_TAG = lengthTag(CompleteRequestSchema.field.handle.number);

/** @param handle an encoded LeaseHandle */
export function completeOf(handle: Uint8Array): Buffer {
  return Buffer.concat([varint(HANDLE_TAG), varint(handle.length), handle, RESULT]);
}

export type SessionCall = "claim" | "complete";

const SESSION_TAGS = {
  claim: varint(lengthTag(SessionRequestSchema.field.claim.number)),
  complete: varint(lengthTag(SessionRequestSchema.field.complete.number)),
} as const;
const SESSION_ID_TAG = SessionRequestSchema.field.id.number << 3;

/** @param message an encoded request of the unary call of this name */
export function sessionRequest(id: number, call: SessionCall, message: Uint8Array): Buffer {
  return Buffer.concat([varint(SESSION_ID_TAG), varint(id), SESSION_TAGS[call], varint(message.length), message]);
}

const DETAILS: ReadonlyMap<number, string> = new Map(
  (ClaimResponseSchema.oneofs[0]?.fields ?? []).map(({ number, localName }) => [number, localName]),
);
const HANDLE_PATH = [
  ClaimResponseSchema.field.acquired.number,
  AcquiredSchema.field.lease.number,
  LeaseSchema.field.handle.number,
] as const;

/** Which of ClaimResponse's details an answer has. */
export function outcomeOf(answer: Buffer): string {
  for (const { number } of fieldsOf(answer)) {
    const detail = DETAILS.get(number);
    if (detail !== undefined) return detail;
  }
  throw new Error("a claim was answered with nothing");
}

/** The encoded LeaseHandle of an answer ACQUIRED. */
export function handleOf(answer: Buffer): Buffer {
  const handle = HANDLE_PATH.reduce<Buffer | undefined>((bytes, number) => bytes && fieldOf(bytes, number), answer);
  if (handle === undefined) throw new Error(`a fresh key was answered ${outcomeOf(answer)}`);
  return handle;
}

export interface Field {
  readonly number: number;
  /** Of a field with a length; empty otherwise. */
  readonly bytes: Buffer;
  /** Of a field that is a number. */
  readonly value: number;
}

const NOTHING = Buffer.alloc(0);

/** The fields of a message, in their order on the wire. Numbers up to 2⁵³; nothing but varints and lengths. */
export function* fieldsOf(message: Buffer): Generator<Field> {
  for (let at = 0; at < message.length; ) {
    const tag = readVarint(message, at);
    const first = readVarint(message, tag.end);
    const number = tag.value >>> 3;
    if ((tag.value & 7) === 0) {
      yield { number, bytes: NOTHING, value: first.value };
      at = first.end;
    } else if ((tag.value & 7) === 2) {
      at = first.end + first.value;
      yield { number, bytes: message.subarray(first.end, at), value: 0 };
    } else throw new Error(`bug: a field of wire type ${tag.value & 7}`);
  }
}

export function fieldOf(message: Buffer, number: number): Buffer | undefined {
  for (const field of fieldsOf(message)) if (field.number === number) return field.bytes;
  return undefined;
}

function readVarint(bytes: Buffer, from: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let at = from, scale = 1; ; at++, scale *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte & 127) * scale;
    if (byte < 128) return { value, end: at + 1 };
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

function lengthTag(number: number): number {
  return (number << 3) | 2;
}

/** For what is asked seldom. */
export function encode<Desc extends DescMessage>(schema: Desc, init: Parameters<typeof create<Desc>>[1]): Buffer {
  return Buffer.from(toBinary(schema, create(schema, init)));
}

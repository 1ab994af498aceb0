import { createHash } from "node:crypto";
import type { ListRecordsRequest } from "../../../gen/holdfast/v1/operator_pb.ts";
import { Fault } from "../../domain/fault.ts";
import type { ListPosition } from "../../store/operator-store.ts";

/**
 * Where a list goes on, as text that is opaque to callers. It says in bytes:
 *
 * ```
 * version 1 · digest 8 · part 1 · time of the first claim 8 · length of the scope 1 · scope · key
 * ```
 *
 * The digest is over the filters and all that follows: a token that was cut by whoever copied it, or that belongs to
 * another list, is refused instead of leaving records out. Nothing in it is secret or trusted.
 */
const VERSION = 1;
const DIGEST_AT = 1;
const DIGEST_BYTES = 8;
const POSITION_AT = DIGEST_AT + DIGEST_BYTES;

/** Within the position. */
const TIME_AT = 1;
const SCOPE_LENGTH_AT = TIME_AT + 8;
const SCOPE_AT = SCOPE_LENGTH_AT + 1;

/** In the order of the list. A token holds an index: what is given out keeps its meaning. */
const PARTS = ["stuck", "open", "ended"] as const satisfies readonly ListPosition["part"][];

/** Empty on the last page. */
export function toRecordPageToken(next: ListPosition | null, request: ListRecordsRequest): string {
  if (next === null) return "";
  const position = write(next);
  return Buffer.concat([Buffer.of(VERSION), digestOf(request, position), position]).toString("base64url");
}

/** Where the page of this request begins; null: at the beginning. Throws `Fault` FIELD_INVALID for any other token. */
export function positionOf(request: ListRecordsRequest): ListPosition | null {
  const { pageToken } = request;
  if (pageToken === "") return null;
  const position = read(Buffer.from(pageToken, "base64url").subarray(POSITION_AT));
  if (position !== null && toRecordPageToken(position, request) === pageToken) return position;
  const allowed = "must be empty, or the next_page_token of a page with the same filters";
  throw new Fault("FIELD_INVALID", `page_token ${allowed}`, { violations: [{ field: "page_token", allowed }] });
}

function write({ part, createTime, scope, key }: ListPosition): Buffer {
  const [scopeBytes, keyBytes] = [Buffer.from(scope), Buffer.from(key)];
  const head = Buffer.alloc(SCOPE_AT);
  head.writeUInt8(PARTS.indexOf(part), 0);
  head.writeDoubleBE(createTime, TIME_AT);
  head.writeUInt8(scopeBytes.length, SCOPE_LENGTH_AT);
  return Buffer.concat([head, scopeBytes, keyBytes]);
}

function read(bytes: Buffer): ListPosition | null {
  if (bytes.length < SCOPE_AT) return null;
  const part = PARTS[bytes.readUInt8(0)];
  const createTime = bytes.readDoubleBE(TIME_AT);
  const keyAt = SCOPE_AT + bytes.readUInt8(SCOPE_LENGTH_AT);
  if (part === undefined || bytes.length < keyAt || !isInstant(createTime)) return null;
  // Anything that is not UTF-8 comes out as something else, and makes another token.
  const [scope, key] = [bytes.toString("utf8", SCOPE_AT, keyAt), bytes.toString("utf8", keyAt)];
  return scope.includes("\0") || key.includes("\0") ? null : { part, createTime, scope, key };
}

/** Before the first, or whole microseconds that a database has. */
function isInstant(value: number): boolean {
  return value === Number.NEGATIVE_INFINITY || Number.isSafeInteger(value);
}

/** Of the request, all that says which records the list has; how many come at once, and with what, may change. */
function digestOf(request: ListRecordsRequest, position: Uint8Array): Uint8Array {
  const { tenantId, scope, keyPrefix, states, stuckOnly, owner, olderThan, newerThan } = request;
  const ages = [olderThan, newerThan].map((age) => (age === undefined ? null : [String(age.seconds), age.nanos]));
  const filters = JSON.stringify([tenantId, scope, keyPrefix, states.toSorted(), stuckOnly, owner, ages]);
  return createHash("sha256").update(filters).update(position).digest().subarray(0, DIGEST_BYTES);
}

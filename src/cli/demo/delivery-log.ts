import { fingerprint } from "../../client/node-platform.ts";

/**
 * A delivery log: what a webhook provider sent, one JSON object a line, in the order in which it arrived.
 *
 * The provider delivers at least once: the same event comes several times, late, out of order, at the same moment on
 * two connections, and sometimes, by a bug of the provider, under an old id with another payload.
 */
export interface Delivery {
  /** Its line in the log, from 1. */
  readonly line: number;
  /** The event's id: the same for every delivery of one event. */
  readonly id: string;
  readonly type: string;
  readonly payload: unknown;
}

/** Bounds memory: a line is read whole. A payload as large as the largest result still fits. */
const LINE_BYTES_MAX = 1024 * 1024;

/** What the contract allows of a key. */
const ID_BYTES_MAX = 512;

const NEWLINE = 0x0a;

/** Says which line of a log cannot be used, and what is wrong with it. */
export class DeliveryLogError extends Error {
  override readonly name = "DeliveryLogError";
}

/** Reads the whole log or throws `DeliveryLogError`: nothing is delivered of a log that is wrong in one line. */
export function parseDeliveryLog(bytes: Uint8Array): readonly Delivery[] {
  const deliveries: Delivery[] = [];
  let line = 0;
  for (let from = 0; from < bytes.length; ) {
    const found = bytes.indexOf(NEWLINE, from);
    const to = found < 0 ? bytes.length : found;
    line++;
    const delivery = parseLine(bytes.subarray(from, to), line);
    if (delivery !== null) deliveries.push(delivery);
    from = to + 1;
  }
  if (deliveries.length === 0) throw new DeliveryLogError("the log holds no delivery");
  return deliveries;
}

/** Null for a blank line. */
function parseLine(bytes: Uint8Array, line: number): Delivery | null {
  const wrong = (what: string): never => {
    throw new DeliveryLogError(`line ${line}: ${what}`);
  };
  if (bytes.length > LINE_BYTES_MAX) return wrong(`longer than ${LINE_BYTES_MAX} bytes`);
  const text = decode(bytes) ?? wrong("not UTF-8");
  if (text.trim() === "") return null;

  const value = parseObject(text) ?? wrong("not a JSON object");
  const { id, type, payload } = value;
  if (typeof id !== "string") return wrong('"id" must be a string');
  const idBytes = Buffer.byteLength(id);
  if (idBytes < 1 || idBytes > ID_BYTES_MAX) return wrong(`"id" must have 1 to ${ID_BYTES_MAX} bytes`);
  if (id.includes("\0") || !id.isWellFormed()) return wrong('"id" must be Unicode text without U+0000');
  if (typeof type !== "string" || type === "") return wrong('"type" must be a string and not empty');
  if (payload === undefined) return wrong('"payload" is missing');
  const unusable = whyUnusable(payload);
  if (unusable !== null) return wrong(`"payload" cannot be used: ${unusable}`);
  return { line, id, type, payload };
}

/** Without a byte order mark; null when the bytes are not UTF-8. */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function parseObject(text: string): Record<"id" | "type" | "payload", unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    return value as Record<"id" | "type" | "payload", unknown>;
  } catch {
    return null;
  }
}

/** JSON that reads well can still have no canonical form (1e999), or be too deep to be sent to a worker. */
function whyUnusable(payload: unknown): string | null {
  try {
    fingerprint(payload);
    JSON.stringify(payload);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Whether a delivery's payload comes under its id once more, further down in the log. */
export function comesAgain(deliveries: readonly Delivery[]): (delivery: Delivery) => boolean {
  const digest = ({ payload }: Delivery) => Buffer.from(fingerprint(payload).digest).toString("hex");
  return (delivery) =>
    deliveries.some(
      (other) => other.id === delivery.id && other.line > delivery.line && digest(other) === digest(delivery),
    );
}

/** The events that the log speaks of: each must have been charged once in the end. */
export function eventIds(deliveries: readonly Delivery[]): ReadonlySet<string> {
  return new Set(deliveries.map((delivery) => delivery.id));
}

import type { Serializer } from "../../client/public.ts";

/** Names in lower case, in the order in which they are sent; a name may be there more than once. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** A response of which everything is known. */
export interface Answer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

/** What a handler has answered. */
export interface CapturedResponse {
  readonly status: number;
  readonly headers: HeaderList;
  /** Null when it was over the bound, and went through without being kept. */
  readonly body: Uint8Array | null;
}

/** What is replayed unless other names are given: what describes the body, and where the result is. */
export const REPLAYED_HEADERS: readonly string[] = [
  ...["content-type", "content-encoding", "content-language", "content-disposition", "content-location"],
  ...["location", "link", "etag", "last-modified", "vary", "retry-after"],
];

/** Never replayed, whatever is listed: a session of somebody's, and what belongs to one connection. */
const NEVER_REPLAYED = new Set([
  ...["set-cookie", "set-cookie2", "connection", "keep-alive", "transfer-encoding", "upgrade", "trailer", "te"],
  ...["content-length", "proxy-authenticate", "proxy-connection"],
]);

/** @throws TypeError when a name is among those that are never replayed, or is no name of a header. */
export function replayable(names: readonly string[]): ReadonlySet<string> {
  const kept = new Set(names.map((name) => name.toLowerCase()));
  for (const name of kept) {
    if (NEVER_REPLAYED.has(name)) throw new TypeError(`replayedHeaders: ${name} is never replayed; leave it out`);
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) throw new TypeError("replayedHeaders: names of headers only");
  }
  return kept;
}

/** What of a response is stored. */
export function toStore({ status, headers, body }: CapturedResponse, names: ReadonlySet<string>): CapturedResponse {
  return { status, headers: headers.filter(([name]) => names.has(name)), body };
}

/** Of a result that a server takes inline: see the client's limit. */
const STORED_BYTES_MAX = 1024 * 1024;
const VERSION = 1;
/** The version, and the length of the head. */
const PREFIX_BYTES = 5;

/**
 * A response as it is stored: a byte with the version, four with the length of the head, the head as JSON, the body. Not
 * JSON alone, which would make a third more of each body of bytes. A response that does not fit is stored without its
 * body: the work is done, and with which status is known still.
 *
 * Give it to `reconcile` when the judge knows what a request of unknown outcome would have been answered.
 */
export const responseSerializer: Serializer<CapturedResponse> = {
  contentType: "application/vnd.holdfast.http-response",

  encode(response) {
    const bytes = encode(response);
    return bytes.length <= STORED_BYTES_MAX ? bytes : encode({ ...response, body: null });
  },

  decode(bytes) {
    if (bytes[0] !== VERSION) throw new TypeError(`a response of version ${bytes[0]}, and this reads ${VERSION}`);
    const headEnd = PREFIX_BYTES + new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(1);
    if (headEnd > bytes.length) throw new TypeError("a response that is cut");
    const head: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(PREFIX_BYTES, headEnd)),
    );
    const { status, headers, kept } = head as { status: number; headers: HeaderList; kept: boolean };
    const response = { status, headers, body: kept ? bytes.slice(headEnd) : null };
    if (!isResponse(response)) throw new TypeError("no response");
    return response;
  },
};

function encode({ status, headers, body }: CapturedResponse): Uint8Array {
  const head = new TextEncoder().encode(JSON.stringify({ status, headers, kept: body !== null }));
  const bytes = new Uint8Array(PREFIX_BYTES + head.length + (body?.length ?? 0));
  bytes[0] = VERSION;
  new DataView(bytes.buffer).setUint32(1, head.length);
  bytes.set(head, PREFIX_BYTES);
  if (body !== null) bytes.set(body, PREFIX_BYTES + head.length);
  return bytes;
}

/** Whether a stored value is a response: an operator or a reconciler may have stored something else. */
export function isResponse(value: unknown): value is CapturedResponse {
  if (typeof value !== "object" || value === null) return false;
  const { status, headers, body } = value as Partial<CapturedResponse>;
  const isStatus = Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599;
  const isPair = (pair: unknown) =>
    Array.isArray(pair) && pair.length === 2 && pair.every((each) => typeof each === "string");
  return isStatus && Array.isArray(headers) && headers.every(isPair) && (body === null || body instanceof Uint8Array);
}

import { canonicalJson } from "../../client/public.ts";

/** A request's body, as far as the framework has read it. */
export type RequestBody =
  | { readonly kind: "none" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** A body that was parsed already, and whose bytes are gone. */
  | { readonly kind: "parsed"; readonly value: unknown }
  | { readonly kind: "too-large" }
  /** There is one that cannot be compared: a mistake of the service, unless it gives a `fingerprint` of its own. */
  | { readonly kind: "unusable"; readonly why: string };

/** One request as every framework can tell it. */
export interface Call<Req> {
  readonly request: Req;
  /** In upper case. */
  readonly method: string;
  /** Path and query, as they came. */
  readonly target: string;
  /** The route's template, "/orders/:id/refund": requests of one route are one scope. */
  readonly route: string;
  readonly header: (name: string) => string | undefined;
  readonly body: () => RequestBody | Promise<RequestBody>;
  /** Aborted when the client has gone. */
  readonly gone: AbortSignal;
}

/** What a server takes: see the client's limits. */
const SCOPE_BYTES_MAX = 128;
/** With the longest key there is room for this much of 512 bytes. */
const PRINCIPAL_LENGTH_MAX = 256;

/** Method and route. A longer one ends in a digest of the whole. */
export async function scopeOf({ method, route }: Pick<Call<unknown>, "method" | "route">): Promise<string> {
  const scope = `${method} ${route}`.toWellFormed().replaceAll("\0", "\u{fffd}");
  const bytes = encode(scope);
  if (bytes.length <= SCOPE_BYTES_MAX) return scope;
  const digest = (await hexDigest(bytes)).slice(0, DIGEST_LENGTH);
  const room = new Uint8Array(SCOPE_BYTES_MAX - DIGEST_LENGTH - 1);
  const { read } = new TextEncoder().encodeInto(scope, room);
  return `${scope.slice(0, read)}~${digest}`;
}

const DIGEST_LENGTH = 32;

/**
 * Whose key, and then the key: a principal holds no slash once it is encoded, so no two pairs make one name. One that is
 * too long, or looks like it, goes as its digest.
 *
 * @throws TypeError for a principal that is no text
 */
export async function recordKey(principal: string, key: string): Promise<string> {
  if (typeof principal !== "string" || !principal.isWellFormed()) {
    throw new TypeError("principal must give well-formed text: put what authenticates the request in front of this");
  }
  const encoded = encodeURIComponent(principal);
  if (encoded.length <= PRINCIPAL_LENGTH_MAX && !encoded.startsWith("~")) return `${encoded}/${key}`;
  return `~${await hexDigest(encode(principal))}/${key}`;
}

export type Content = Exclude<RequestBody, { kind: "too-large" | "unusable" }>;

/**
 * A body as it is compared: JSON by its meaning, in its canonical form, and anything else byte by byte. So is JSON with
 * a number beyond 2^53: two account numbers there may be one double, and the handler may read them as what they are.
 *
 * @throws TypeError for JSON that has no canonical form, and for such a number when the bytes are gone
 */
export function comparable(body: Content, mediaType: string): Uint8Array {
  switch (body.kind) {
    case "none":
      return new Uint8Array();
    case "parsed": {
      const canonical = encode(canonicalJson(body.value));
      if (holdsUnsafe(body.value)) throw new TypeError("a number beyond 2^53, and the bytes are gone");
      return canonical;
    }
    case "bytes": {
      const parsed = isJson(mediaType) ? parse(body.bytes) : undefined;
      // What is no JSON although it says so is for the handler to refuse: the same bytes are the same request.
      if (parsed === undefined) return body.bytes;
      const canonical = encode(canonicalJson(parsed.value));
      return holdsUnsafe(parsed.value) ? body.bytes : canonical;
    }
  }
}

/** Without recursion: a body may be nested deeper than the stack. */
function holdsUnsafe(value: unknown): boolean {
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === "number" && Number.isFinite(next) && Math.abs(next) > Number.MAX_SAFE_INTEGER) return true;
    if (typeof next === "object" && next !== null) for (const each of Object.values(next)) open.push(each);
  }
  return false;
}

/** What the client is to hash: a line of JSON, which has no line break in it, and then the rest. */
export function inputOf(head: Readonly<Record<string, string>>, rest: Uint8Array): Uint8Array {
  const line = encode(`${canonicalJson(head)}\n`);
  const input = new Uint8Array(line.length + rest.length);
  input.set(line);
  input.set(rest, line.length);
  return input;
}

/** Without parameters, in lower case; empty when there is none. */
export function mediaTypeOf(contentType: string | undefined): string {
  return contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

export function isJson(mediaType: string): boolean {
  return mediaType === "application/json" || mediaType.endsWith("+json");
}

function parse(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

async function hexDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

import { type Clock, systemClock } from "../../client/clock.ts";
import { type ClaimOptions, HoldfastError, type WhenUnavailable } from "../../client/public.ts";
import { checkClaimOptions, guarded, listed, oneOf, within } from "../claim-options.ts";
import type { KeySyntax } from "./key.ts";
import { type CapturedResponse, REPLAYED_HEADERS, replayable } from "./response.ts";

/** What becomes of the record when a handler has answered. */
export type Disposition = "store" | "retryable" | "not-started" | "outcome-unknown";

/** `Req` is what the framework hands to its handlers: an Express or Fastify request, Hono's context, a Request. */
export interface IdempotencyOptions<Req>
  extends Pick<
    ClaimOptions,
    "leaseMs" | "onLeaseExpiry" | "maxAttempts" | "resultRetentionMs" | "tombstoneRetentionMs" | "metadata"
  > {
  /**
   * Whose request it is: an account's or a user's id, never empty by accident. Keys of different principals are different
   * keys, so that nobody gets another's response by guessing. Where there is but one: `() => ""`.
   */
  readonly principal: (request: Req) => string | Promise<string>;
  /** Methods that are protected; others pass as they are. Default: all but GET, HEAD, OPTIONS and TRACE. */
  readonly methods?: readonly string[];
  /** Whether a request without a key is 400. If not, it passes unprotected. Default true. */
  readonly keyRequired?: boolean;
  /** "string": only the draft's quoted string. Default "any": a bare value too. */
  readonly keySyntax?: "any" | "string";
  /** 1 to 255, default 255 characters. */
  readonly keyLengthMax?: number;
  /** What a key must match, such as that of a UUID. Default: anything. */
  readonly keyPattern?: RegExp;
  /** A page that tells clients what they must do, and how long keys are kept: the draft asks for one. */
  readonly documentation?: string;
  /** 0 to 60 000 ms: how long a second request waits for the answer of the first before it is 409. Default 0. */
  readonly waitMs?: number;
  /**
   * From 1 ms, default 5 000: how long to wait for Holdfast itself. Before the handler: then it is 503. Behind it: then its
   * answer goes out with `Idempotency-Unconfirmed: true`, and storing it is tried on.
   */
  readonly answerTimeoutMs?: number;
  /**
   * The same as of `once`. "fail-closed", the default: 503 with Retry-After. "fail-open": the handler runs WITHOUT
   * PROTECTION, and its answer says so by `Idempotency-Unprotected: true`; `attemptOf` has `isProtected` false. Others may
   * run it at the same time and again. Not together with onLeaseExpiry "hold".
   */
  readonly whenUnavailable?: WhenUnavailable;
  /** Bytes, default 1 MiB: requests with larger bodies are 413. */
  readonly requestBytesMax?: number;
  /** Bytes, 0 to 1 040 384, which is 1 MiB without room for headers, and the default: larger bodies are not kept. */
  readonly responseBytesMax?: number;
  /** Names of headers that are replayed. Default `REPLAYED_HEADERS`; Set-Cookie is refused. */
  readonly replayedHeaders?: readonly string[];
  /** What a response means for the record. Default: `defaultDisposition`. */
  readonly disposition?: (response: CapturedResponse) => Disposition;
  /**
   * What must be the same when a key is used again, beside method and path: a JSON value or bytes. Default: the media
   * type and the body, JSON by its meaning and anything else byte by byte.
   */
  readonly fingerprint?: (request: Req) => unknown;
  /** "finish": a client that goes leaves the work alone. "abort": it aborts `attempt.signal`. Default "finish". */
  readonly onDisconnect?: "finish" | "abort";
  /** 1 s to 7 d, default 15 min: how long a handler that never ends its response keeps the key. */
  readonly maxExecutionMs?: number;
  /**
   * Told of what a client is not: why Holdfast did not answer, that a result is not known to be stored, that a handler
   * ran without protection, or what `disposition` has thrown. What it throws itself is ignored but for a warning.
   * Default: process.emitWarning, for the first of each reason.
   */
  readonly onError?: (error: unknown) => void;
  /** For tests. Default: the process's own. */
  readonly clock?: Clock;
}

/** Options that are whole. */
export interface Settings<Req> extends KeySyntax {
  readonly principal: IdempotencyOptions<Req>["principal"];
  readonly fingerprint: IdempotencyOptions<Req>["fingerprint"];
  readonly protects: (method: string) => boolean;
  readonly keyRequired: boolean;
  readonly documentation: string | undefined;
  readonly waitMs: number;
  readonly answerTimeoutMs: number;
  readonly requestBytesMax: number;
  readonly responseBytesMax: number;
  readonly replayed: ReadonlySet<string>;
  readonly disposition: (response: CapturedResponse) => Disposition;
  readonly onDisconnect: "finish" | "abort";
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
  /** What each call says. */
  readonly claim: Omit<ClaimOptions, "scope" | "key" | "input"> & { readonly whenUnavailable: WhenUnavailable };
}

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);
const MIB = 1024 * 1024;
/** What is left of 1 MiB beside 8 KiB for the head, where a body is kept whole with any usual headers. */
const RESPONSE_BYTES_MAX = MIB - 8 * 1024;
const MAX_EXECUTION_MS = 15 * 60_000;

/** @throws TypeError that names the option and what is allowed. */
export function settle<Req>(options: IdempotencyOptions<Req>): Settings<Req> {
  const { methods, documentation, keyPattern } = options;
  if (typeof options.principal !== "function") {
    throw new TypeError('principal must be a function; where all requests are one caller\'s, () => ""');
  }
  if (keyPattern !== undefined && (!(keyPattern instanceof RegExp) || keyPattern.global || keyPattern.sticky)) {
    throw new TypeError("keyPattern must be a RegExp without the flags g and y");
  }
  if (documentation !== undefined && !/^https?:\/\/[!#-;=?-~]+$/.test(documentation)) {
    throw new TypeError("documentation must be a URL of http or https");
  }
  checkClaimOptions(options);
  const onError = guarded(options.onError ?? createWarn());
  const known = methods && new Set(methods.map((method) => method.toUpperCase()));
  return {
    principal: options.principal,
    fingerprint: options.fingerprint,
    protects: (method) => (known === undefined ? !SAFE_METHODS.has(method) : known.has(method)),
    keyRequired: options.keyRequired ?? true,
    keySyntax: oneOf("keySyntax", options.keySyntax, ["any", "string"]),
    keyLengthMax: within("keyLengthMax", options.keyLengthMax, 1, 255, 255),
    keyPattern,
    documentation,
    waitMs: within("waitMs", options.waitMs, 0, 60_000, 0),
    answerTimeoutMs: within("answerTimeoutMs", options.answerTimeoutMs, 1, 2 ** 31 - 1, 5_000),
    requestBytesMax: within("requestBytesMax", options.requestBytesMax, 0, Number.MAX_SAFE_INTEGER, MIB),
    responseBytesMax: within("responseBytesMax", options.responseBytesMax, 0, RESPONSE_BYTES_MAX, RESPONSE_BYTES_MAX),
    replayed: replayable(options.replayedHeaders ?? REPLAYED_HEADERS),
    disposition: dispositionOf(options, onError),
    onDisconnect: oneOf("onDisconnect", options.onDisconnect, ["finish", "abort"]),
    onError,
    clock: options.clock ?? systemClock,
    claim: claimOptions(options),
  };
}

/**
 * The answer of a handler that has come to a decision is stored and replayed, an error too. Not stored is what says that
 * the same request may be answered otherwise: 401, 408, 409, 423, 425 and 429, after which the next one runs the handler.
 *
 * A 5xx is no decision but a failure somewhere inside. Under "reacquire" the next request runs the handler, as after a
 * crash; under "hold" nobody knows what was done, as after a crash.
 */
export function defaultDisposition(onLeaseExpiry: "reacquire" | "hold"): (response: CapturedResponse) => Disposition {
  return ({ status }) => {
    if (status >= 500) return onLeaseExpiry === "hold" ? "outcome-unknown" : "retryable";
    return NOT_FINAL.has(status) ? "retryable" : "store";
  };
}

/** A mistake in the service's own word is told to it, and an answer is not made to run again by it: the default holds. */
function dispositionOf<Req>(options: IdempotencyOptions<Req>, onError: (error: unknown) => void) {
  const usual = defaultDisposition(options.onLeaseExpiry ?? "reacquire");
  const { disposition = usual } = options;
  return (response: CapturedResponse): Disposition => {
    try {
      const word = disposition(response);
      if (DISPOSITIONS.includes(word)) return word;
      throw new TypeError(`disposition must give ${listed(DISPOSITIONS)}`);
    } catch (error) {
      onError(error);
      return usual(response);
    }
  };
}

const DISPOSITIONS: readonly Disposition[] = ["store", "retryable", "not-started", "outcome-unknown"];

const NOT_FINAL = new Set([401, 408, 409, 423, 425, 429]);

function claimOptions<Req>(options: IdempotencyOptions<Req>): Settings<Req>["claim"] {
  const { leaseMs, onLeaseExpiry, maxAttempts, resultRetentionMs, tombstoneRetentionMs, metadata } = options;
  const given = { leaseMs, onLeaseExpiry, maxAttempts, resultRetentionMs, tombstoneRetentionMs, metadata };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  const whenUnavailable = oneOf("whenUnavailable", options.whenUnavailable, ["fail-closed", "fail-open"]);
  if (whenUnavailable === "fail-open" && onLeaseExpiry === "hold") {
    throw new TypeError(
      'whenUnavailable "fail-open" runs handlers twice, and onLeaseExpiry "hold" is for those that never may',
    );
  }
  const { maxExecutionMs = MAX_EXECUTION_MS } = options;
  return { ...Object.fromEntries(known), maxExecutionMs, whenUnavailable };
}

/** The first of each reason, and no key: this ends in a log. Nothing where there is no process to warn. */
function createWarn(): (error: unknown) => void {
  const warned = new Set<string>();
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    const reason = error instanceof HoldfastError ? error.reason : "";
    if (warned.has(reason) || warned.size === WARNED_MAX) return;
    warned.add(reason);
    globalThis.process?.emitWarning?.(message, { type: "HoldfastWarning", code: reason });
  };
}

const WARNED_MAX = 100;

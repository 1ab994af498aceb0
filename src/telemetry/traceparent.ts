/**
 * The W3C trace context of a call, as its `traceparent` header writes it: version, trace, span, flags. Version 00 and
 * nothing else: 55 characters of lower-case hex and dashes, neither id all zeros.
 */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What is read of a span to write its traceparent. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

/** Null for what is none; the sender of a malformed one is not told, for it is no business of the call's. */
export function readTraceparent(header: string | undefined): string | null {
  return header !== undefined && TRACEPARENT.test(header) ? header : null;
}

export function writeTraceparent({ traceId, spanId, traceFlags }: SpanIds): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** Of one that `readTraceparent` or `writeTraceparent` gave. */
export function idsOf(traceparent: string): SpanIds {
  const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-");
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

import type { Answer } from "./response.ts";

/** Why a request was not answered by its handler, and has no stored response either: the member `code` of the body. */
export type ProblemCode = keyof typeof PROBLEMS;

/**
 * One row for each. 400, 409 and 422 are the draft's own; what says that this request can never be run again, whatever
 * the client does, is 409 too, without a Retry-After.
 */
const PROBLEMS = {
  "key-missing": { status: 400, title: "Idempotency-Key is missing", detail: "This operation requires one." },
  "key-malformed": { status: 400, title: "Idempotency-Key is malformed", detail: "" },
  "body-not-canonical": {
    status: 400,
    title: "The body cannot be compared",
    detail:
      "A text in it is no Unicode, or a number is beyond 2^53 or a double: send such a number as text (RFC 8785).",
  },
  "in-progress": {
    status: 409,
    title: "A request is outstanding for this Idempotency-Key",
    detail: "A request with the same key is being processed. Send this one again to get its answer.",
  },
  "outcome-unknown": {
    status: 409,
    title: "The outcome of this request is unknown",
    detail:
      "An earlier request with this key may have been processed. It is not run again before somebody has found out.",
  },
  "result-not-kept": {
    status: 409,
    title: "The response is not kept",
    detail: "The request with this key was processed, and its response was too large to be kept, or cannot be read.",
  },
  expired: {
    status: 409,
    title: "The response is no longer kept",
    detail: "The request with this key was processed so long ago that its response is gone. It is not run again.",
  },
  failed: {
    status: 409,
    title: "The request has failed for good",
    detail: "Earlier requests with this key have failed, and it is not run again. Use another key.",
  },
  overtaken: {
    status: 409,
    title: "Another request with this Idempotency-Key came first",
    detail: "This one took too long, and its answer does not count. Send it again to get the one that does.",
  },
  "body-too-large": { status: 413, title: "The body is too large", detail: "" },
  "key-reused": {
    status: 422,
    title: "Idempotency-Key is already used",
    detail: "The key was used before, with another request. A key must not be used again for another payload.",
  },
  quota: {
    status: 429,
    title: "Too many idempotent requests",
    detail: "No further one is accepted for now. Nothing was done: send it again later, with the same key.",
  },
  unavailable: {
    status: 503,
    title: "Idempotency cannot be assured",
    detail: "Nothing was done: send the request again later, with the same key.",
  },
} as const;

export interface ProblemDetail {
  /** In place of the row's. */
  readonly detail?: string;
  readonly retryAfterMs?: number | undefined;
}

/**
 * A problem as RFC 9457 has it. With a page of documentation its `type` points there, at the code's anchor, and a Link
 * says so as well; without one it is about:blank, whose title is the status's own. `code` is there in both.
 */
export function problem(code: ProblemCode, documentation: string | undefined, more: ProblemDetail = {}): Answer {
  const { status, ...row } = PROBLEMS[code];
  const detail = more.detail ?? row.detail;
  const kind =
    documentation === undefined
      ? {
          type: "about:blank",
          title: PHRASES[status],
          detail: detail === row.detail ? `${row.title}. ${detail}` : detail,
        }
      : { type: `${documentation}#${code}`, title: row.title, detail };
  const headers: [string, string][] = [
    ["content-type", "application/problem+json"],
    ["content-language", "en"],
  ];
  if (documentation !== undefined) headers.push(["link", `<${documentation}>; rel="describedby"; type="text/html"`]);
  if (more.retryAfterMs !== undefined) headers.push(["retry-after", String(seconds(more.retryAfterMs))]);
  return { status, headers, body: new TextEncoder().encode(JSON.stringify({ ...kind, status, code })) };
}

const PHRASES = {
  400: "Bad Request",
  409: "Conflict",
  413: "Content Too Large",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  503: "Service Unavailable",
} as const;

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}

import type { IncomingMessage, ServerResponse } from "node:http";

/** The words of Connect and gRPC-Web, those of a credential, and those of tracing. */
export const ALLOWED_HEADERS =
  "authorization, content-type, connect-protocol-version, connect-timeout-ms, connect-content-encoding, " +
  "connect-accept-encoding, content-encoding, accept-encoding, grpc-message-type, x-grpc-web, x-user-agent, " +
  "grpc-timeout, traceparent, tracestate, baggage";

/** What a page may read of an answer. In Connect all of it is in the body; the status of gRPC-Web may be in headers. */
export const EXPOSED_HEADERS =
  "grpc-status, grpc-message, grpc-status-details-bin, content-encoding, connect-content-encoding, retry-after, " +
  "grpc-retry-pushback-ms";

/** For how long a browser need not ask again, in seconds; no browser keeps it for longer than a day, and Chrome for 2 h. */
const PREFLIGHT_SECONDS = 2 * 60 * 60;

/**
 * Lets pages of these origins read the answers of calls. Never with cookies, which nothing here looks at: who calls says
 * so in a header that only a page's own code can set.
 *
 * @returns true when that was the answer, to a browser that asks before it calls
 */
export function admitOrigin(origins: readonly string[], request: IncomingMessage, response: ServerResponse): boolean {
  if (origins.length === 0) return false;
  // Also to others: what is kept for one origin must not be given to another.
  response.setHeader("vary", "origin");
  const { origin, "access-control-request-method": asked } = request.headers;
  if (origin === undefined || !origins.includes(origin)) return false;
  response.setHeader("access-control-allow-origin", origin);
  if (request.method !== "OPTIONS" || asked === undefined) {
    response.setHeader("access-control-expose-headers", EXPOSED_HEADERS);
    return false;
  }
  response.writeHead(204, {
    "access-control-allow-methods": "POST, GET",
    "access-control-allow-headers": ALLOWED_HEADERS,
    "access-control-max-age": String(PREFLIGHT_SECONDS),
  });
  response.end();
  return true;
}

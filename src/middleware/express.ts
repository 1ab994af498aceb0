import type { ServerResponse } from "node:http";
import type { Idempotency } from "./http/idempotency.ts";
import { handleNode, type ParsedRequest } from "./node/handle.ts";

/** What of an Express request is read. */
export interface ExpressRequest extends ParsedRequest {
  readonly originalUrl: string;
  readonly route?: { readonly path: unknown };
}

export interface ExpressOptions {
  /** The whole template of the route, "/tenants/:tenant/charges". Default: the part that its own router knows. */
  readonly route?: string;
}

/**
 * Middleware for Express, in front of a route's handler and behind what parses its body and authenticates its caller:
 *
 * @example
 * const idempotent = holdfastExpress(idempotency);
 * app.post("/charges", express.json(), authenticate, idempotent, createCharge);
 *
 * The scope is the template of the route, without what routers around it are mounted at: of that Express tells only how
 * the client has spelled it. Given to `app.use`, it knows no template, and all its requests are one scope. A key of one
 * scope that comes on another path is 422; where two routers are to have keys of their own, name the `route`.
 */
export function express<Req extends ExpressRequest>(idempotency: Idempotency<Req>, options: ExpressOptions = {}) {
  const { route: named } = options;
  if (named !== undefined && (typeof named !== "string" || named === "")) {
    throw new TypeError('route must be a template, such as "/tenants/:tenant/charges"');
  }
  return (request: Req, response: ServerResponse, next: (error?: unknown) => void): void => {
    const route = named ?? String(request.route?.path ?? "/*");
    const proceed = () => next();
    handleNode(idempotency, { request, target: request.originalUrl, route, response, proceed }).catch(next);
  };
}

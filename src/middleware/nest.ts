import type { ServerResponse } from "node:http";
import type { Idempotency } from "./http/idempotency.ts";
import { handleNode, type ParsedRequest } from "./node/handle.ts";

/** What of the request of Nest's platform is read, Express or Fastify. */
export interface NestRequest extends ParsedRequest {
  readonly originalUrl: string;
  readonly raw?: object;
  readonly route?: { readonly path: unknown };
  readonly routeOptions?: { readonly url?: string | undefined };
}

/** What of Nest's ExecutionContext is used. */
export interface NestContext {
  getType(): string;
  switchToHttp(): { getRequest(): unknown; getResponse(): unknown };
}

/** What of Nest's CallHandler is used. */
export interface NestHandler {
  handle(): unknown;
}

/**
 * An interceptor for Nest, over its Express or Fastify platform: of a method, a controller or the whole application.
 * Guards run before it, so `principal` finds what they have put into the request; pipes and the handler run within it,
 * and what exception filters answer is a response like any other.
 *
 * @example
 * app.useGlobalInterceptors(holdfastNest(idempotency));
 */
export function nest<Req extends NestRequest>(idempotency: Idempotency<Req>) {
  return {
    // biome-ignore lint/suspicious/noExplicitAny: rxjs takes a promise of an Observable, or of what it makes one from.
    intercept(context: NestContext, next: NestHandler): Promise<any> {
      if (context.getType() !== "http") return Promise.resolve(next.handle());
      const http = context.switchToHttp();
      const request = http.getRequest() as Req;
      const reply = http.getResponse() as ServerResponse & { readonly raw?: ServerResponse };
      return new Promise((resolve, reject) => {
        const exchange = {
          ...{ request, target: request.originalUrl, route: routeOf(request), response: reply.raw ?? reply },
          also: request.raw === undefined ? [] : [request.raw],
          proceed: () => resolve(next.handle()),
          // The answer is sent: a method with @Res() ends its response itself, and Nest would leave it open. What is
          // around this one sees the request end, as ever, without a value; what Nest makes of that is thrown away.
          proceedInstead: () => resolve([undefined]),
        };
        handleNode(idempotency, exchange).catch(reject);
      });
    },
  };
}

function routeOf({ route, routeOptions }: NestRequest): string {
  return String(route?.path ?? routeOptions?.url ?? "/*");
}

import { setAttempt } from "./attempts.ts";
import type { Idempotency } from "./http/idempotency.ts";
import { handleWeb } from "./web/handle.ts";

/** What of Hono's context is used. */
export interface HonoContext {
  readonly req: {
    raw: Request;
    arrayBuffer(): Promise<ArrayBuffer>;
    readonly matchedRoutes: readonly { readonly path: string; readonly method: string }[];
  };
  get res(): Response;
  set res(response: Response | undefined);
}

/**
 * Middleware for Hono, in front of a route's handler or of many. What `app.onError` answers is a response like any other.
 *
 * @example
 * app.post("/charges", authenticate, holdfastHono(idempotency), createCharge);
 */
export function hono<C extends HonoContext>(idempotency: Idempotency<C>) {
  return async (context: C, next: () => Promise<void>): Promise<Response | undefined> => {
    const handled = await handleWeb(idempotency, {
      ...{ request: context, raw: context.req.raw, route: routeOf(context) },
      reread: (request) => {
        context.req.raw = request;
      },
      // A validator or a signature's check in front has read it through the context, which keeps what it has read.
      readAgain: () => context.req.arrayBuffer(),
      respond: async (attempt) => {
        setAttempt(attempt, context, context.req.raw);
        await next();
        return context.res;
      },
    });
    if (handled.kind === "passed") {
      await next();
      return undefined;
    }
    if (!handled.hasRun) return handled.response;
    // Whatever the handler has set is in it, if it is to be: Hono would add the headers of the one that is there.
    context.res = undefined;
    context.res = handled.response;
    return undefined;
  };
}

/** The last one that matched is the handler's; those of middleware end in an asterisk. */
function routeOf({ req }: HonoContext): string {
  return req.matchedRoutes.at(-1)?.path ?? "/*";
}

import type { Attempt } from "../client/public.ts";
import { setAttempt } from "./attempts.ts";
import type { Idempotency } from "./http/idempotency.ts";
import { handleWeb } from "./web/handle.ts";

export interface FetchRoute {
  /** The template of what the handler serves, "/orders/:id": its requests are one scope. */
  readonly route: string;
}

/**
 * For handlers from Request to Response, as edge runtimes, Deno, Bun and route handlers of many frameworks have them.
 * What else the runtime passes is passed on, behind the attempt, which is undefined when the request is not protected.
 * What the handler throws is thrown: an error that says nothing else counts as retryable.
 *
 * @example
 * export default { fetch: fetchHandler(idempotency, { route: "/charges" }, async (request, attempt) => ...) };
 */
export function fetchHandler<Rest extends readonly unknown[] = readonly []>(
  idempotency: Idempotency<Request>,
  { route }: FetchRoute,
  handler: (request: Request, attempt: Attempt | undefined, ...rest: Rest) => Response | Promise<Response>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  return async (incoming, ...rest) => {
    let request = incoming;
    const handled = await handleWeb(idempotency, {
      ...{ request: incoming, raw: incoming, route },
      reread: (readable) => {
        request = readable;
      },
      respond: async (attempt) => {
        setAttempt(attempt, request, incoming);
        return await handler(request, attempt, ...rest);
      },
    });
    return handled.kind === "passed" ? await handler(request, undefined, ...rest) : handled.response;
  };
}

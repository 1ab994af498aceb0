import type { Attempt } from "../client/public.ts";

/** By the objects that a handler has in its hands: they end with the request, and so does this. */
const ATTEMPTS = new WeakMap<object, Attempt>();

/**
 * The attempt under which a handler runs: its fence, its keys for providers, its checkpoints. Of an Express, Fastify or
 * Nest request, of Hono's context, or of the Request that the handler of `fetchHandler` got. Undefined when the request
 * has passed: of another method, or without a key where none is required. With `isProtected` false, and no fence, while
 * Holdfast is unavailable and `whenUnavailable` is "fail-open": its keys for providers are the usual ones still.
 *
 * @example
 * app.post("/charges", express(idempotency), async (request, response) => {
 *   const charge = await provider.charge(request.body, { idempotencyKey: attemptOf(request)?.keyFor("provider") });
 *   response.status(201).json(charge);
 * });
 */
export function attemptOf(request: object): Attempt | undefined {
  return ATTEMPTS.get(request);
}

export function setAttempt(attempt: Attempt, ...requests: readonly object[]): void {
  for (const request of requests) ATTEMPTS.set(request, attempt);
}

import { Code, type Transport } from "@connectrpc/connect";
import type { Breaker } from "./breaker.ts";
import type { Clock } from "./clock.ts";
import type { Tell } from "./hooks.ts";
import { isUnavailable, toHoldfastError } from "./wire-error.ts";

interface WatchDeps {
  readonly breaker: Breaker;
  readonly tell: Tell;
  readonly clock: Clock;
}

const OK = 0;

/** Tells the breaker and the hooks how each call went. A stream says with its first message only that a server is there. */
export function watchTransport(transport: Transport, { breaker, tell, clock }: WatchDeps): Transport {
  return {
    async unary(method, signal, timeoutMs, header, input, values) {
      const sentAtMs = clock.monotonicMs();
      const end = (code: 0 | Code, reason: string) =>
        tell("onCall", { method: method.name, code, reason, tookMs: clock.monotonicMs() - sentAtMs });
      try {
        const answer = await transport.unary(method, signal, timeoutMs, header, input, values);
        breaker.reached();
        end(OK, "");
        return answer;
      } catch (error) {
        const { code, reason } = toHoldfastError(error);
        // A call that its caller has given up says nothing.
        if (signal?.aborted !== true) note(breaker, error, reason);
        end(code ?? Code.Unknown, reason);
        throw error;
      }
    },

    stream: (...call) => transport.stream(...call),
  };
}

function note(breaker: Breaker, error: unknown, reason: string): void {
  if (isUnavailable(error)) breaker.failed();
  // Without a reason it was something between that has answered, or the client itself: no server is known to be there.
  else if (reason !== "" && reason !== "TOKEN_UNAVAILABLE") breaker.reached();
}

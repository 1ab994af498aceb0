import { randomUUID } from "node:crypto";
import type { HandlerContext } from "@connectrpc/connect";
import type { ClientCertificate } from "../auth/authenticator.ts";
import type { Clock } from "../clock.ts";
import type { CallContext } from "../rpc/endpoint.ts";

interface HttpConnection {
  readonly answered: () => Promise<boolean>;
  readonly certificate: () => ClientCertificate | null;
}

/** A connection carries one call at a time, and is told with any answer that it is the last. */
const NEVER = new AbortController().signal;

/**
 * HTTP/1.1 has no word for "are you there": what was handed to the kernel counts as answered, and a caller that has
 * vanished is found by TCP alone. While nothing is under way, as in a claim that waits, the kernel's probes find it after
 * 30 s (`TCP_KEEPALIVE_MS`). But they stop while something sent is not acknowledged: the keep-alive that a WaitFor
 * sends to a reader that has vanished is then repeated for a quarter of an hour, until the kernel gives up. Such a wait
 * lasts until its own timeout, 10 minutes at most. Who needs better uses gRPC.
 *
 * @param connection see `CallContext`
 */
export function httpContext(context: HandlerContext, clock: Clock, connection: HttpConnection): CallContext {
  const timeoutMs = context.timeoutMs();
  let requestId: string | undefined;
  return {
    transport: "http",
    deadline: timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.monotonicMs() + timeoutMs,
    signal: context.signal,
    retiring: NEVER,
    answered: connection.answered,
    certificate: connection.certificate,
    metadata: (name) => context.requestHeader.get(name) ?? undefined,
    get requestId() {
      requestId ??= randomUUID();
      return requestId;
    },
  };
}

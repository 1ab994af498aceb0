import { randomUUID } from "node:crypto";
import type { HandlerContext } from "@connectrpc/connect";
import type { Clock } from "../clock.ts";
import type { CallContext } from "../rpc/endpoint.ts";

const NEVER = new AbortController().signal;

export function httpContext(context: HandlerContext, clock: Clock): CallContext {
  const timeoutMs = context.timeoutMs();
  let requestId: string | undefined;
  return {
    transport: "http",
    deadline: timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.monotonicMs() + timeoutMs,
    signal: context.signal,
    retiring: NEVER,
    answered: async () => !context.signal.aborted,
    metadata: (name) => context.requestHeader.get(name) ?? undefined,
    get requestId() {
      requestId ??= randomUUID();
      return requestId;
    },
  };
}

import type { DescMessage, DescMethodUnary, Message, MessageShape } from "@bufbuild/protobuf";
import type { UnaryResponse } from "@connectrpc/connect";
import type { Clock } from "../clock.ts";
import { DEFAULT_TIMEOUT_MS } from "../closable-transport.ts";
import type { GrpcCallOptions } from "../grpc-call.ts";
import type { HeaderFields } from "../grpc-metadata.ts";
import type { SessionCall } from "./call.ts";
import type { Sessions } from "./sessions.ts";
import { carriedAs, waitMsOf, withWait } from "./wire.ts";

export interface CarryDeps {
  readonly sessions: Sessions;
  readonly clock: Clock;
  /** Told of each call that was answered, and of each that was not. */
  readonly onAnswer: () => void;
  readonly explain: (error: unknown) => unknown;
}

/**
 * Left of a call's time when a claim that has gone elsewhere is to be answered at the latest: so its caller hears who
 * works, and not that the time is over.
 */
const ANSWER_MS = 100;

/**
 * Makes a call on a session; null when it has to be made on its own.
 *
 * @param elsewhere makes it on its own after all, within this time; 0 is without a limit. Must not throw, but reject
 */
export function carry<I extends DescMessage, O extends DescMessage>(
  { sessions, clock, onAnswer, explain }: CarryDeps,
  method: DescMethodUnary<I, O>,
  { signal, timeoutMs: givenMs, headers }: GrpcCallOptions,
  request: MessageShape<I>,
  isBehind: boolean,
  elsewhere: (request: MessageShape<I>, timeoutMs: number) => Promise<UnaryResponse<I, O>>,
): Promise<UnaryResponse<I, O>> | null {
  const kind = carriedAs(method);
  if (kind === undefined) return null;
  const own = readHeaders(headers);
  if (own === null) return null;
  const timeoutMs = givenMs === undefined ? DEFAULT_TIMEOUT_MS : givenMs <= 0 ? Number.POSITIVE_INFINITY : givenMs;
  const startMs = clock.monotonicMs();
  const endMs = startMs + timeoutMs;
  const waitMs = waitMsOf(kind, request);
  const goElsewhere = () => {
    const nowMs = clock.monotonicMs();
    const leftMs = Math.max(1, endMs - nowMs);
    // Both what is left of the wait that was asked for, and what there is time for.
    const leftWaitMs = Math.max(0, Math.min(startMs + waitMs - nowMs, leftMs - ANSWER_MS));
    const left: Message = waitMs > leftWaitMs ? withWait(request, leftWaitMs) : request;
    return elsewhere(left as MessageShape<I>, leftMs === Number.POSITIVE_INFINITY ? 0 : leftMs);
  };
  let isSent = false;
  const answer = new Promise<UnaryResponse<I, O>>((resolve, reject) => {
    const call: SessionCall = {
      ...{ kind, request, waitMs, timeoutMs, endMs, signal, isBehind },
      traceparent: own.traceparent,
      answered(answer) {
        onAnswer();
        const message = answer as MessageShape<O>;
        const [header, trailer] = [new Headers(), new Headers()];
        resolve({ stream: false, service: method.parent, method, header, trailer, message });
      },
      failed: (error) => reject(explain(error)),
      elsewhere: () => resolve(goElsewhere()),
    };
    try {
      isSent = sessions.send(call, own.authorization);
    } catch {
      // A request that cannot be encoded: the call on its own fails in its own words.
    }
  });
  return isSent ? answer : null;
}

interface OwnHeaders {
  readonly authorization: string;
  readonly traceparent: string;
}

const NO_HEADERS: OwnHeaders = { authorization: "", traceparent: "" };

/**
 * Null when there are others than a session can carry: its own credential, and the place of each call in a trace. What
 * belongs to that place and is for others than the server stays behind.
 */
function readHeaders(headers: HeaderFields): OwnHeaders | null {
  if (headers === undefined) return NO_HEADERS;
  let authorization = "";
  let traceparent = "";
  for (const [name, value] of isPlain(headers) ? Object.entries(headers) : new Headers(headers)) {
    if (name === "authorization") authorization = value;
    else if (name === "traceparent") traceparent = value;
    else if (name !== "tracestate" && name !== "baggage") return null;
  }
  return { authorization, traceparent };
}

/** As this client makes them: to read a Headers takes as long as everything else here. */
function isPlain(headers: HeaderFields): headers is Record<string, string> {
  return headers !== undefined && !(headers instanceof Headers) && !Array.isArray(headers);
}

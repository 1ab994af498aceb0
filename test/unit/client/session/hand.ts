import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { StatusSchema } from "../../../../gen/google/rpc/status_pb.ts";
import {
  ClaimRequestSchema,
  SessionGoodbye_Reason,
  type SessionHello,
  type SessionRequest,
  SessionRequestSchema,
  SessionResponseSchema,
} from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import type { SessionCall } from "../../../../src/client/session/call.ts";
import type { SessionStream, SessionStreamEvents } from "../../../../src/client/session/stream.ts";
import { Fault, type FaultCode } from "../../../../src/domain/fault.ts";
import { toRpcError } from "../../../../src/rpc/status.ts";
import { quietContext } from "../../rpc/bundle.ts";

type Answer = NonNullable<MessageInitShape<typeof SessionResponseSchema>["answer"]>;

/** The server's half of a session, moved by the test. */
export interface Hand {
  readonly stream: SessionStream;
  /** What has arrived, as "claim 1", "cancel 1". */
  readonly arrived: string[];
  readonly requests: SessionRequest[];
  /** What was done to the stream beside writing. */
  readonly done: string[];
  /** How many more messages it takes before it asks to wait; Infinity at first. */
  room: number;
  hello(limits?: Partial<Pick<SessionHello, "callsMax" | "waitsMax" | "requestBytesMax">>): void;
  goodbye(reason?: SessionGoodbye_Reason): void;
  answer(id: number, answer?: Answer): void;
  refuse(id: number, code: Code, message?: string): void;
  /** As the real server says it, with its reason and when to come again. */
  fault(id: number, code: FaultCode): void;
  drain(room?: number): void;
  end(error?: ConnectError | null): void;
}

export function createHand(events: SessionStreamEvents): Hand {
  const say = (answer: Answer, id = 0) => events.onMessage(create(SessionResponseSchema, { id: BigInt(id), answer }));
  const hand: Hand = {
    arrived: [],
    requests: [],
    done: [],
    room: Number.POSITIVE_INFINITY,
    stream: {
      write(bytes) {
        const request = fromBinary(SessionRequestSchema, bytes);
        hand.requests.push(request);
        hand.arrived.push(`${request.call.case} ${request.id}`);
        return --hand.room > 0;
      },
      halfClose: () => void hand.done.push("half-close"),
      cancel() {
        hand.done.push("cancel");
        queueMicrotask(() => hand.end(new ConnectError("Cancelled on client", Code.Canceled)));
      },
    },
    hello: (limits) => say({ case: "hello", value: { callsMax: 100, waitsMax: 10, ...limits } }),
    goodbye: (reason = SessionGoodbye_Reason.DRAINING) => say({ case: "goodbye", value: { reason } }),
    answer: (id, answer = { case: "claim", value: { policyDiffers: true } }) => say(answer, id),
    refuse: (id, code, message = "refused") => say({ case: "error", value: { code, message } }, id),
    fault(id, code) {
      const { status } = toRpcError(new Fault(code, "refused"), quietContext(), () => 0);
      say({ case: "error", value: fromBinary(StatusSchema, status) }, id);
    },
    drain(room = Number.POSITIVE_INFINITY) {
      hand.room = room;
      events.onDrain();
    },
    end(error = null) {
      if (hand.done.includes("ended")) return;
      hand.done.push("ended");
      events.onEnd(error);
    },
  };
  return hand;
}

export interface TestCall extends SessionCall {
  /** What became of it. */
  fate: string | undefined;
  error: ConnectError | undefined;
}

interface CallOptions extends Partial<Pick<SessionCall, "isBehind" | "traceparent" | "signal">> {
  readonly timeoutMs?: number;
  /** For half a minute. */
  readonly waits?: boolean;
  readonly key?: string;
}

/** A claim that notes its fate. */
export function claimCall(
  nowMs: number,
  { timeoutMs = 10_000, key = "k", waits = false, ...options }: CallOptions = {},
): TestCall {
  const tell = (fate: string, error?: ConnectError) => {
    if (call.fate !== undefined) throw new Error(`told ${fate} after ${call.fate}`);
    Object.assign(call, { fate, error });
  };
  const call: TestCall = {
    ...{ kind: "claim", request: create(ClaimRequestSchema, { key: { scope: "s", key } }) },
    waitMs: waits ? 30_000 : 0,
    ...{ timeoutMs, endMs: nowMs + timeoutMs, traceparent: "", isBehind: false, signal: undefined },
    ...options,
    fate: undefined,
    error: undefined,
    answered: () => tell("answered"),
    failed: (error) => tell(Code[error.code] ?? "?", error),
    elsewhere: () => tell("elsewhere"),
  };
  return call;
}

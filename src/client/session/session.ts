import { Code, ConnectError } from "@connectrpc/connect";
import { SessionGoodbye_Reason, type SessionResponse } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Clock } from "../clock.ts";
import { createAlarm } from "./alarm.ts";
import type { SessionCall } from "./call.ts";
import { type Calls, createCalls } from "./calls.ts";
import type { OpenStream } from "./stream.ts";

/**
 * One stream for many calls.
 *
 *     opening ──Hello──▶ open ──Goodbye, idle, silent, leave()──▶ left ──all answered──▶ half-closed
 *        │                │                                        │                        │
 *        └────────────────┴──────────── the stream ends ───────────┴────────────────────────┴──▶ ended
 */
export interface Session {
  /** False: it does not take this call, not now or never. */
  send(call: SessionCall): boolean;
  /** Takes no more, and ends when what is open is answered. */
  leave(): void;
  /** Ends at once; what is open or queued fails with CANCELLED. */
  close(): void;
}

export interface SessionDeps {
  readonly open: OpenStream;
  readonly clock: Clock;
  /** It takes calls from here on. */
  readonly onOpen: () => void;
  /** It takes none any more. Told once, also when it never did. */
  readonly onLeft: (left: Left) => void;
  readonly onEnded: () => void;
}

/**
 * draining and aged: the server has said goodbye · idle: nobody has called for a while · silent: a call was unanswered
 * when its answer was owed, and nothing else was heard · given-up: by `leave` or `close` · failed: the stream has ended.
 */
export interface Left {
  readonly kind: "draining" | "aged" | "idle" | "silent" | "given-up" | "failed";
  /** What the stream ended with; of a stream that has failed, and null if it ended without an error. */
  readonly error: ConnectError | null;
  /** How many calls were answered. */
  readonly answers: number;
}

/** Something between may hold back a stream until it ends, and calls must not wait for that. */
const HELLO_MS = 3_000;
/**
 * Looked at so often whether anybody calls. A session that is of no use goes: as long as it is there, Node does not end by
 * itself, and to open another one costs as much as one call.
 */
const IDLE_MS = 500;
/** For the server to end the stream when nobody waits for anything. */
const END_MS = 5_000;

type State = "opening" | "open" | "left" | "half-closed" | "ended";

export function createSession({ open, clock, onOpen, onLeft, onEnded }: SessionDeps): Session {
  let state: State = "opening";
  let calls: Calls | null = null;
  let hasGoodbye = false;
  let cancelTimer = () => {};
  let answersAtLook = 0;
  let lookAtMs = 0;

  const leave = (kind: Left["kind"], error: ConnectError | null = null) => {
    if (state !== "opening" && state !== "open") return;
    state = "left";
    cancelTimer();
    onLeft({ kind, error, answers: calls?.answers ?? 0 });
    calls?.leave();
    if (kind !== "failed") endIfDone();
  };
  const endIfDone = () => {
    if (state !== "left" || calls?.isIdle() === false) return;
    // What was cancelled may be answered still: who asks about it goes behind its cancelling.
    cancelTimer();
    cancelTimer = clock.after(END_MS, () => stream.cancel());
    if (calls?.isEmpty() === false) return;
    state = "half-closed";
    stream.halfClose();
  };
  const alarm = createAlarm(clock, (nowMs) => {
    if (calls === null) throw new Error("bug: a session that is not open has no alarm");
    const { nextMs, isSilent } = calls.expire(nowMs);
    if (isSilent) leave("silent");
    if (state === "open" && nowMs >= lookAtMs) {
      if (calls.isIdle() && calls.answers === answersAtLook) leave("idle");
      answersAtLook = calls.answers;
      lookAtMs = nowMs + IDLE_MS;
    }
    endIfDone();
    return state === "open" ? Math.min(nextMs, lookAtMs) : nextMs;
  });

  const onMessage = (message: SessionResponse) => {
    if (state === "ended") return;
    const { answer } = message;
    if (answer.case === "hello" && state === "opening") {
      state = "open";
      cancelTimer();
      calls = createCalls(stream, answer.value);
      lookAtMs = clock.monotonicMs() + IDLE_MS;
      alarm.by(lookAtMs);
      return onOpen();
    }
    if (answer.case === "goodbye") {
      hasGoodbye = true;
      return leave(answer.value.reason === SessionGoodbye_Reason.DRAINING ? "draining" : "aged");
    }
    calls?.onAnswer(message);
    endIfDone();
  };
  const onEnd = (error: ConnectError | null) => {
    leave("failed", error);
    state = "ended";
    cancelTimer();
    alarm.stop();
    // After its goodbye a server has answered what it took when it ends the stream in good order.
    calls?.end(hasGoodbye && error === null ? null : broken(error));
    onEnded();
  };
  const stream = open({ onMessage, onEnd, onDrain: () => calls?.onDrain() });
  cancelTimer = clock.after(HELLO_MS, () => stream.cancel());

  return {
    send(call) {
      if (state !== "open" && state !== "left") return false;
      if (calls?.send(call) !== true) return false;
      alarm.by(call.endMs);
      return true;
    },
    leave: () => leave("given-up"),
    close() {
      const isDone = calls?.isIdle() === true;
      // First, for nothing must go elsewhere any more.
      calls?.fail(new ConnectError("the client is closed", Code.Canceled));
      leave("given-up");
      if (!isDone) stream.cancel();
    },
  };
}

/** To who has called it is a connection that was lost, whatever it was: the call may have taken effect. */
function broken(error: ConnectError | null): ConnectError {
  if (error === null) {
    // The server has spoken all the same, which is told by its trailer: it is not taken for one that is silent.
    return new ConnectError("the session ended before the call was answered", Code.Unavailable, { "grpc-status": "0" });
  }
  const wire = new ConnectError(
    `the session broke: ${error.rawMessage}`,
    Code.Unavailable,
    error.metadata,
    undefined,
    error,
  );
  wire.details = error.details;
  return wire;
}

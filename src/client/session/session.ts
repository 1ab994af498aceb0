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
  /** Ends at once; what is open fails with CANCELLED. */
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
 * draining and aged: the server has said goodbye · idle: nobody has called for a while · silent: a call was unanswered,
 * and nothing else was heard · given-up: by `leave` or `close` · failed: the stream has ended.
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
/** A call that is unanswered for so long has been lost, when nothing else was heard either. */
const SILENT_MS = 1_000;
/** For the server to end the stream when nobody waits for anything. */
const END_MS = 5_000;

type State = "opening" | "open" | "left" | "half-closed" | "ended";

export function createSession({ open, clock, onOpen, onLeft, onEnded }: SessionDeps): Session {
  let state: State = "opening";
  let calls: Calls | null = null;
  let cancelTimer = clock.after(HELLO_MS, () => stream.cancel());
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
    const { nextMs, silentMs } = calls.expire(nowMs);
    if (silentMs >= SILENT_MS) leave("silent");
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
    calls?.fail(broken(error));
    onEnded();
  };
  const stream = open({ onMessage, onEnd, onDrain: () => calls?.onDrain() });

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
      leave("given-up");
      calls?.fail(new ConnectError("the client is closed", Code.Canceled));
      if (!isDone) stream.cancel();
    },
  };
}

/** To who has called it is a connection that was lost, whatever it was: the call may have taken effect. */
function broken(error: ConnectError | null): ConnectError {
  if (error === null) return new ConnectError("the session ended before the call was answered", Code.Unavailable);
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

import { constants, type ServerHttp2Session } from "node:http2";
import type { Clock } from "../clock.ts";
import { ANSWER_SETTLE_MS, CONNECTION_AGE_GRACE_MS, KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS } from "./limits.ts";

/**
 * What is known of the peer of one gRPC connection.
 *
 * ```
 *  serving ──age, or GOAWAY of the peer──▶ retiring ──grace──▶ closed
 *     │                                       │
 *     └──────── PING not acknowledged ────────┴──▶ cut
 * ```
 *
 * grpc-js could do both the keepalive and the age, and is told not to. It says of neither that it happened, and (1.14.7)
 * its keepalive destroys every connection that is being closed while a call is in flight, because Node sends no PING
 * then: a claim that waits would be cut off 20 s after its connection had reached its age.
 */
export interface Connection {
  /** Aborted when the connection has reached its age, or the peer has said that it goes: streams are to end. */
  readonly retiring: AbortSignal;
  /**
   * Whether what has been sent until now has reached the peer. True when the peer acknowledges a PING that was sent
   * behind it, or leaves in good order, or when it is we who leave: then nothing speaks against it. False when the
   * connection breaks before, or the peer does not answer. In doubt true: whoever is told false gives a lease back that
   * somebody may hold.
   */
  confirm(): Promise<boolean>;
  /** To be called every now and then. */
  look(nowMs: number): void;
  /** The server shuts down. */
  leave(): void;
}

export interface ConnectionDeps {
  readonly clock: Clock;
  readonly maxAgeMs: number;
  /** Breaks the connection without waiting for the peer to take what is left. */
  readonly reset: (session: ServerHttp2Session) => void;
}

interface Question {
  readonly askedMs: number;
  readonly answer: (isConfirmed: boolean) => void;
}

const RETIRED = new Error("the connection is to be given up");

export function createConnection(session: ServerHttp2Session, { clock, maxAgeMs, reset }: ConnectionDeps): Connection {
  const bornMs = clock.monotonicMs();
  const questions = new Set<Question>();
  let retiring: AbortController | null = null;
  let retiredMs: number | null = null;
  let heardMs = bornMs;
  let pingedMs: number | null = null;
  let isLeaving = false;

  const settle = (asked: Iterable<Question>, isConfirmed: boolean) => {
    for (const question of asked) {
      questions.delete(question);
      question.answer(isConfirmed);
    }
  };

  session.socket.once("end", () => settle(questions, true));
  session.on("goaway", (code) => {
    if (code === constants.NGHTTP2_NO_ERROR) settle(questions, true);
  });
  session.once("close", () => settle(questions, isLeaving));

  const retire = (nowMs: number) => {
    retiredMs = nowMs;
    // Without session.close(): Node sends no PING after it, and the peer could vanish unnoticed.
    if (!session.closed) session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM, MAX_AGE);
    retiring?.abort(RETIRED);
  };

  const leave = () => {
    isLeaving = true;
    settle(questions, true);
  };

  /** One at a time, whatever it is for: what was sent before it, and that the peer lives. */
  const ping = (nowMs: number) => {
    const covered = [...questions];
    pingedMs = nowMs;
    session.ping((error) => {
      pingedMs = null;
      if (error !== null) return; // The connection is being closed, and "close" will say how.
      heardMs = clock.monotonicMs();
      settle(covered, true);
    });
  };

  const isOwed = (nowMs: number, afterMs: number) => {
    for (const { askedMs } of questions) return nowMs - askedMs >= afterMs;
    return false;
  };

  return {
    get retiring() {
      retiring ??= new AbortController();
      if (retiredMs !== null) retiring.abort(RETIRED);
      return retiring.signal;
    },

    confirm() {
      if (isLeaving || session.destroyed) return Promise.resolve(isLeaving);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      questions.add({ askedMs: clock.monotonicMs(), answer: resolve });
      return promise;
    },

    look(nowMs) {
      if (isLeaving) return;
      if (session.destroyed) {
        // We said goodbye after the peer had; its kernel should have answered that.
        if (isOwed(nowMs, KEEPALIVE_TIMEOUT_MS)) settle(questions, false);
        return;
      }
      if (retiredMs === null && (session.closed || nowMs - bornMs >= maxAgeMs)) retire(nowMs);
      if (retiredMs !== null && nowMs - retiredMs >= CONNECTION_AGE_GRACE_MS) {
        leave();
        session.destroy();
      } else if (pingedMs !== null) {
        // Not session.destroy(), which first waits for the peer to take what is left.
        if (nowMs - pingedMs >= KEEPALIVE_TIMEOUT_MS) reset(session);
      } else if (!session.closed && (nowMs - heardMs >= KEEPALIVE_MS || isOwed(nowMs, ANSWER_SETTLE_MS))) {
        ping(nowMs);
      }
    },

    leave,
  };
}

/** Stands for the last one that has arrived. A greater one would be a lie: Node takes no stream after a GOAWAY. */
const LAST_STREAM = 0;
/** The words by which gRPC clients know the reason. */
const MAX_AGE = Buffer.from("max_age");

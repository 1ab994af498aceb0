import { Code } from "@connectrpc/connect";
import type { Clock } from "../clock.ts";
import type { SessionCall } from "./call.ts";
import { createSession, type Left, type Session } from "./session.ts";
import type { SessionStream, SessionStreamEvents } from "./stream.ts";

/** The sessions with one server: one that takes calls, at most one that is being opened, and those that end. */
export interface Sessions {
  /**
   * False: none takes this call, and it has to be made on its own. One is opened then, for those that follow, if that is
   * worth trying.
   *
   * @param authorization what the call's header says, which is the session's; "" for none
   */
  send(call: SessionCall, authorization: string): boolean;
  /** Whether the server has said that it shuts down, and still answers. */
  isDraining(): boolean;
  /** Calls that are open or queued fail with CANCELLED. */
  close(): void;
}

export interface SessionsDeps {
  readonly open: (authorization: string, events: SessionStreamEvents) => SessionStream;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/** A server without sessions is asked again after this time: it may have been replaced by a newer one. */
const UNIMPLEMENTED_MS = 60_000;
/** After a session that answered nothing; doubles up to the second one. */
const PAUSE_MS = 100;
const PAUSE_MS_MAX = 10_000;
/** Credentials that alternate must not open a session for each call. */
const CHANGE_MS = 1_000;

interface Opened {
  readonly session: Session;
  readonly authorization: string;
}

export function createSessions({ open, clock, random }: SessionsDeps): Sessions {
  let current: Opened | null = null;
  let opening: Opened | null = null;
  /** Those that have been left, and why. */
  const leaving = new Map<Session, Left["kind"]>();
  let closed = false;
  let failures = 0;
  let lastAuthorization = "";
  /** No session is opened before: at all, with the credential of the last one, and with another one. */
  const notBeforeMs = { any: 0, same: 0, other: 0 };

  const isDraining = () => leaving.values().some((why) => why === "draining");
  const isWorthOpening = (authorization: string) => {
    if (closed || opening !== null || current?.authorization === authorization || isDraining()) return false;
    const { any, same, other } = notBeforeMs;
    return clock.monotonicMs() >= Math.max(any, authorization === lastAuthorization ? same : other);
  };
  const pause = ({ kind, error, answers }: Left) => {
    const nowMs = clock.monotonicMs();
    if (error?.code === Code.Unimplemented) notBeforeMs.any = nowMs + UNIMPLEMENTED_MS;
    if (kind === "idle" || kind === "given-up" || (answers > 0 && kind !== "silent")) {
      failures = 0;
      return;
    }
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** Math.min(failures++, 30));
    notBeforeMs.same = nowMs + pauseMs * (0.5 + random() / 2);
  };
  const openOne = (authorization: string) => {
    lastAuthorization = authorization;
    notBeforeMs.other = clock.monotonicMs() + CHANGE_MS;
    const session = createSession({
      clock,
      open: (events) => open(authorization, events),
      onOpen() {
        current?.session.leave();
        current = own;
        opening = null;
      },
      onLeft(left) {
        if (current === own) current = null;
        if (opening === own) opening = null;
        leaving.set(session, left.kind);
        pause(left);
      },
      onEnded: () => leaving.delete(session),
    });
    const own: Opened = { session, authorization };
    opening = own;
  };

  return {
    send(call, authorization) {
      if (call.isBehind) for (const session of leaving.keys()) if (session.send(call)) return true;
      if (current?.authorization === authorization && current.session.send(call)) return true;
      if (isWorthOpening(authorization)) openOne(authorization);
      return false;
    },

    isDraining,

    close() {
      closed = true;
      for (const session of [current?.session, opening?.session, ...leaving.keys()]) session?.close();
    },
  };
}

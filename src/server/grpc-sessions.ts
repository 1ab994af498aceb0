import type { Clock } from "../clock.ts";
import { REQUEST_CHECK_MS } from "./limits.ts";

/** One that is open. */
export interface WatchedSession {
  /** To be called every now and then; false once its stream is closed. */
  look(nowMs: number): boolean;
  /** The server shuts down. */
  goodbye(): void;
}

/** The sessions that are open on the gRPC port. */
export interface GrpcSessions extends Disposable {
  add(session: WatchedSession): void;
  /** The server shuts down: says goodbye to all that are open, and to whoever comes later. */
  leave(): void;
}

/** One timer looks after all of them: what they wait for takes seconds. */
export function createGrpcSessions(clock: Clock): GrpcSessions {
  const open = new Set<WatchedSession>();
  const stop = new AbortController();
  let isLooking = false;
  let isLeaving = false;

  const look = async () => {
    isLooking = true;
    while (open.size > 0 && !stop.signal.aborted) {
      await clock.sleep(REQUEST_CHECK_MS, stop.signal).catch(() => undefined);
      const nowMs = clock.monotonicMs();
      for (const session of open) if (!session.look(nowMs)) open.delete(session);
    }
    isLooking = false;
  };

  return {
    add(session) {
      open.add(session);
      if (isLeaving) session.goodbye();
      if (!isLooking) void look();
    },
    leave() {
      isLeaving = true;
      for (const session of open) session.goodbye();
    },
    [Symbol.dispose]: () => stop.abort(),
  };
}

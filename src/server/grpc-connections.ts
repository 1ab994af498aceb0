import type { Http2Session, ServerHttp2Session } from "node:http2";
import type { Clock } from "../clock.ts";
import { type Connection, createConnection } from "./grpc-connection.ts";
import { CONNECTION_CHECK_MS } from "./limits.ts";

/** The connections that are open on the gRPC port. */
export interface Connections extends Disposable {
  welcome(session: ServerHttp2Session): void;
  /** Undefined once it is closed. */
  of(session: Http2Session): Connection | undefined;
  /** The server shuts down. */
  leave(): void;
}

export interface ConnectionsDeps {
  readonly clock: Clock;
  /** 0 up to but not including 1; for jitter. */
  readonly random: () => number;
  readonly maxAgeMs: number;
  /** Breaks a connection without waiting for its peer to take what is left. */
  readonly reset: (session: ServerHttp2Session) => void;
}

/** The age is up to this share shorter or longer, so that clients who came together do not come back together. */
const JITTER = 0.1;

/** One timer looks after all connections: ages and silences of seconds need no timer each. */
export function createConnections({ clock, random, maxAgeMs, reset }: ConnectionsDeps): Connections {
  const open = new Map<Http2Session, Connection>();
  const stop = new AbortController();
  let isLooking = false;

  const look = async () => {
    isLooking = true;
    while (open.size > 0 && !stop.signal.aborted) {
      await clock.sleep(CONNECTION_CHECK_MS, stop.signal).catch(() => undefined);
      const nowMs = clock.monotonicMs();
      for (const connection of open.values()) connection.look(nowMs);
    }
    isLooking = false;
  };

  return {
    welcome(session) {
      const jittered = maxAgeMs * (1 - JITTER + 2 * JITTER * random());
      open.set(session, createConnection(session, { clock, reset, maxAgeMs: jittered }));
      session.once("close", () => open.delete(session));
      if (!isLooking) void look();
    },
    of: (session) => open.get(session),
    leave() {
      for (const connection of open.values()) connection.leave();
    },
    [Symbol.dispose]: () => stop.abort(),
  };
}

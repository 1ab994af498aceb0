import { randomUUID } from "node:crypto";
import type { Clock } from "../../clock.ts";
import { backOffMs } from "../../store/postgres/back-off.ts";
import type { Session } from "../../store/postgres/connection.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Hub } from "../hub.ts";
import { type Listener, NotHeard } from "../listener.ts";
import type { Notifier } from "../notifier.ts";
import type { WaitingObserver } from "../observer.ts";
import { fromPayload } from "../wake-id.ts";
import { createProbe, type Probe } from "./probe.ts";

export interface PostgresListenerDeps {
  /** A session of its own on a direct connection, with what notifications it receives. */
  readonly open: (onNotification: (payload: string) => void) => Promise<Session>;
  readonly hub: Pick<Hub, "notified" | "setListening">;
  readonly notifier: Pick<Notifier, "probe">;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly observer: Pick<WaitingObserver, "notificationsReceived" | "probed">;
  readonly log: Pick<Log, "info" | "warn">;
  /** Where it listens, without password; for the log. */
  readonly listenUrl: string;
  /** What those who wait do instead while nothing is heard, for the log. */
  readonly pollMs: number;
}

/** A connection that died without a word is found within this time and that of a probe. */
const PROBE_INTERVAL_MS = 5_000;
const RETRY_MS_MAX = 5_000;

/** Only for what was sent and got lost: where the database is away, no other address would help. */
const HINT =
  "--listen-url, or of another placement --placement-listen-urls, must lead to the database itself, not to a pooler";

const LISTEN = { name: "holdfast_listen", text: "listen holdfast" };

/**
 * One session that listens, for all who wait on this server: every listener of a database is signalled at every NOTIFY.
 *
 * ```
 *  opening ──▶ LISTEN ──▶ probe ── arrived ──▶ listening ──▶ after 5 s: probe
 *     ▲           │         │                                      │
 *     └── pause ◀─┴─────────┴── refused, overdue, session over ◀───┘
 * ```
 *
 * It listens from when the first probe has arrived. That a LISTEN was accepted proves nothing: a pooler in transaction
 * mode accepts it too, for a connection that it then lends to somebody else.
 */
export function openPostgresListener(deps: PostgresListenerDeps): Listener {
  const { hub, notifier, clock, random, observer, log } = deps;
  const stopping = new AbortController();
  let session: Session | null = null;
  let probe: Probe | null = null;
  let isListening = false;
  /** That nothing is heard was said, and not yet that it is over. */
  let isAnnounced = false;

  const hear = (payload: string) => {
    if (probe?.arrived(payload)) return;
    const ids = fromPayload(payload);
    if (ids.length === 0) return;
    observer.notificationsReceived(ids.length);
    hub.notified(ids);
  };

  const up = (probeMs: number) => {
    observer.probed(probeMs);
    if (isListening) return;
    isListening = true;
    hub.setListening(true);
    if (isAnnounced) log.info({}, "notifications from other servers arrive again");
    isAnnounced = false;
  };

  const down = (error: unknown) => {
    isListening = false;
    hub.setListening(false);
    if (isAnnounced || stopping.signal.aborted) return;
    isAnnounced = true;
    const { listenUrl, pollMs } = deps;
    const hint = error instanceof NotHeard && error.wasSent ? { hint: HINT } : {};
    log.warn({ error, listenUrl, pollMs, ...hint }, "notifications from other servers do not arrive: waiters poll");
  };

  /** Ends with what ended the session. */
  const listenOn = async (fresh: Session): Promise<never> => {
    const ended = new AbortController();
    void fresh.over.then((cause) => {
      ended.abort(cause);
      probe?.fail(cause);
    });
    await fresh.query(LISTEN, []);
    for (;;) {
      ended.signal.throwIfAborted();
      probe = createProbe({ notifier, clock, payload: `probe ${randomUUID()}` });
      up(await probe.run());
      await clock.sleep(PROBE_INTERVAL_MS, ended.signal);
    }
  };

  /** True if it did listen, until it did no more. */
  const attempt = async (): Promise<boolean> => {
    try {
      const fresh = await deps.open(hear);
      session = fresh;
      if (stopping.signal.aborted) throw stopping.signal.reason;
      return await listenOn(fresh);
    } catch (error) {
      const hasListened = isListening;
      session?.drop(error instanceof Error ? error : new Error(String(error)));
      session = null;
      down(error);
      return hasListened;
    }
  };

  const listen = async () => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      failures = (await attempt()) ? 1 : failures + 1;
      await clock.sleep(backOffMs(failures, random, RETRY_MS_MAX), stopping.signal).catch(() => undefined);
    }
  };
  void listen();

  return {
    status: () => ({ isConnected: session !== null, isListening }),
    /** Does not wait for a connection that is being opened: nothing hangs on it, and it can take long to fail. */
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error("the server stops"));
      await session?.close();
    },
  };
}

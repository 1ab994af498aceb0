import type { Clock } from "../../clock.ts";
import { type DatabaseAddress, openSession } from "../../store/postgres/connection.ts";
import { redactUrl } from "../../store/postgres/redacted-url.ts";
import type { Run } from "../../store/postgres/run.ts";
import type { Store } from "../../store/store.ts";
import type { Log } from "../../telemetry/log.ts";
import { createHub, type Hub, WAIT_LIMITS, type WaitLimits } from "../hub.ts";
import type { WaitingObserver } from "../observer.ts";
import { createWakingStore } from "../waking-store.ts";
import { openPostgresListener } from "./listener.ts";
import { createPostgresNotifier } from "./notifier.ts";

/** Where notifications are sent and heard. */
export interface NotificationSource {
  /** Lends the connection that they are sent on, which is used for nothing else. */
  readonly run: Run;
  /** Leads to the same database, and past any pooler. */
  readonly listenUrl: string;
  /** How to connect there; throws when nothing leads past the pooler. Absent: by `listenUrl` alone. */
  readonly listen?: () => DatabaseAddress;
}

/** A connection for LISTEN that does not answer a statement for so long is given up. */
export const LISTEN_ANSWER_MS_MAX = 2000;

/** What a server has for those who wait. Disposing of it sends the notifications that were collected. */
export interface Waiting extends AsyncDisposable {
  /** Wakes those who wait, here and on other servers. */
  readonly store: Store;
  readonly hub: Hub;
  status(): WaitingStatus;
}

export interface WaitingStatus {
  readonly mode: WaitingMode;
  /** The connection that listens is there, whether or not anything arrives on it. */
  readonly isConnected: boolean;
  /** False: no address leads past the pooler, and polling is all that this server was set up for. */
  readonly isWanted: boolean;
}

/** How those who wait learn of what other servers do. */
export type WaitingMode = "notified" | "polling";

export interface WaitingDeps {
  /** Plain. */
  readonly store: Store;
  readonly notifications: NotificationSource;
  readonly observer: WaitingObserver;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn">;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly limits?: Partial<WaitLimits>;
  /** Nobody listens before it has resolved; absent: at once. */
  readonly opened?: Promise<void>;
}

/** Begins to listen, and does not wait for it: until notifications arrive, those who wait poll. */
export function openWaiting({ store, notifications, observer, clock, log, random, ...rest }: WaitingDeps): Waiting {
  const limits = { ...WAIT_LIMITS, ...rest.limits };
  const opened = new AsyncDisposableStack();
  const hub = opened.use(createHub({ store, clock, observer, random, limits }));
  const notifier = opened.use(createPostgresNotifier({ run: notifications.run, clock, observer }));
  const open = async (onNotification: (payload: string) => void) => {
    await rest.opened;
    return openSession({
      ...(notifications.listen?.() ?? { url: notifications.listenUrl }),
      ...{ clock, onNotification },
      answerTimeoutMs: LISTEN_ANSWER_MS_MAX,
    });
  };
  const { pollMs } = limits;
  const listenUrl = redactUrl(notifications.listenUrl);
  const listener = opened.use(
    openPostgresListener({ open, hub, notifier, clock, random, observer, log, listenUrl, pollMs }),
  );
  return {
    store: createWakingStore({ store, hub, notifier }),
    hub,
    status() {
      const { isConnected, isListening } = listener.status();
      return { mode: isListening ? "notified" : "polling", isConnected, isWanted: leadsSomewhere(notifications) };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function leadsSomewhere({ listen }: NotificationSource): boolean {
  try {
    listen?.();
    return true;
  } catch {
    return false;
  }
}

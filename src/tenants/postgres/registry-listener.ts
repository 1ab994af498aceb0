import type { Clock } from "../../clock.ts";
import { backOffMs } from "../../store/postgres/back-off.ts";
import type { Session } from "../../store/postgres/connection.ts";
import type { Log } from "../../telemetry/log.ts";

export interface RegistryListenerDeps {
  /** A session of its own on a direct connection, with what notifications it receives. */
  readonly open: (onNotification: () => void) => Promise<Session>;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: Pick<Log, "info" | "warn">;
  /** Something was said, or may have been before anybody listened. */
  readonly onNews: () => void;
}

export interface RegistryListener extends AsyncDisposable {
  isListening(): boolean;
}

const RETRY_MS_MAX = 5_000;
/** A connection that died without a word is found within this time and that of a statement without an answer. */
const CHECK_INTERVAL_MS = 10_000;

/** To listen twice is to listen once: the same statement shows that the session is alive. */
const LISTEN = { name: "holdfast_listen_registry", text: "listen holdfast_registry" };

/**
 * One session that listens for changes of the registry. What it does not hear is seen by the polls: it is not proved, as
 * that of the waiters is, that notifications arrive.
 */
export function openRegistryListener({ open, clock, random, log, onNews }: RegistryListenerDeps): RegistryListener {
  const stopping = new AbortController();
  let session: Session | null = null;
  let isListening = false;
  let isAnnounced = false;

  const listenOn = async (fresh: Session): Promise<never> => {
    const ended = new AbortController();
    void fresh.over.then((cause) => ended.abort(cause));
    for (;;) {
      await fresh.query(LISTEN, []);
      if (!isListening) {
        isListening = true;
        if (isAnnounced) log.info({}, "notifications of changed tenants arrive again");
        isAnnounced = false;
        onNews();
      }
      await clock.sleep(CHECK_INTERVAL_MS, ended.signal);
    }
  };

  /** True if it did listen, until it did no more. */
  const attempt = async (): Promise<boolean> => {
    try {
      const fresh = await open(onNews);
      session = fresh;
      stopping.signal.throwIfAborted();
      return await listenOn(fresh);
    } catch (error) {
      const hasListened = isListening;
      isListening = false;
      session?.drop(error instanceof Error ? error : new Error(String(error)));
      session = null;
      if (!isAnnounced && !stopping.signal.aborted) {
        isAnnounced = true;
        log.warn({ error }, "notifications of changed tenants do not arrive: changes are polled for");
      }
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
    isListening: () => isListening,
    /** Does not wait for a connection that is being opened: nothing hangs on it, and it can take long to fail. */
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error("the server stops"));
      await session?.close();
    },
  };
}

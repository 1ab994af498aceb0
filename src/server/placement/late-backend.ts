import type { Clock } from "../../clock.ts";
import { backOffMs } from "../../store/postgres/back-off.ts";
import { unavailable } from "../../store/postgres/errors.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Backend } from "../backend.ts";
import { createLateStore } from "./late-store.ts";

/** A backend that may not be open yet. */
export interface PlacedBackend extends Backend {
  /** Resolves once it has been opened; pending for good when that never comes. */
  readonly opened: Promise<void>;
}

export interface LateBackendDeps {
  /** One attempt. Gives up when the signal is aborted, and lets go of everything when it fails. */
  readonly open: (signal: AbortSignal) => Promise<Backend>;
  readonly listenUrl: string;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "error">;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

/** Soon enough for whoever has just mended what was wrong, and a handful of connections a minute until then. */
const RETRY_MS_MAX = 5_000;

/**
 * Opens a backend in the background, again and again until it works; from then on it is that backend. Until then every
 * call is refused at once with STORE_UNAVAILABLE. What is wrong is logged when it is something else than the last time.
 *
 * ```
 *  opening ── worked ──▶ open, for good: its sessions reconnect by themselves
 *   │   ▲
 *   └───┘ failed: back off
 * ```
 */
export function createLateBackend({ open, listenUrl, clock, log, random }: LateBackendDeps): PlacedBackend {
  const stopping = new AbortController();
  const opened = Promise.withResolvers<void>();
  let backend: Backend | null = null;
  let trouble: Error = new Error("it has not been opened yet");

  const failed = (error: unknown) => {
    const former = trouble.message;
    trouble = error instanceof Error ? error : new Error(String(error));
    if (trouble.message !== former) log.error({ error }, "the placement cannot be opened; it is tried again");
  };

  const keepTrying = async () => {
    for (let failures = 1; !stopping.signal.aborted; failures++) {
      try {
        backend = await open(stopping.signal);
        log.info({}, "the placement is open");
        return opened.resolve();
      } catch (error) {
        if (stopping.signal.aborted) return;
        failed(error);
        await clock.sleep(backOffMs(failures, random, RETRY_MS_MAX), stopping.signal).catch(() => undefined);
      }
    }
  };
  const trying = keepTrying();

  const absence = () => unavailable(trouble);
  const here = (): Backend => {
    if (backend === null) throw absence();
    return backend;
  };
  return {
    opened: opened.promise,
    store: createLateStore(() => backend?.store ?? null, absence),
    measure: async (work) => here().measure(work),
    notifications: {
      run: async (work) => here().notifications.run(work),
      listenUrl,
      listen: () => here().notifications.listen?.() ?? { url: listenUrl },
    },
    databaseNow: async () => here().databaseNow(),
    status: () => backend?.status() ?? { reachable: false, connections: 0, open: 0, busy: 0, trouble },
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error("the server stops"));
      await trying;
      await backend?.[Symbol.asyncDispose]();
    },
  };
}

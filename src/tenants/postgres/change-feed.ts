import type { Clock } from "../../clock.ts";
import { backOffMs } from "../../store/postgres/back-off.ts";
import type { Connection, Session } from "../../store/postgres/connection.ts";
import type { Log } from "../../telemetry/log.ts";
import type { ChangeFeed, ChangeSubscriber } from "../change-feed.ts";
import { type LogPosition, readChanges } from "./read-changes.ts";
import { openRegistryListener } from "./registry-listener.ts";

export interface PostgresChangeFeedDeps {
  /** Lends a connection to the main cluster. Rejects with what `work` threw, or with a `Fault` when there is none. */
  readonly run: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
  /** Opens a session of its own on a direct connection, past any pooler, with what notifications it receives. */
  readonly open: (onNotification: () => void) => Promise<Session>;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: Pick<Log, "info" | "warn">;
}

/** For changes whose notifications do not arrive. */
const POLL_MS = 2_000;
/** From one read to the next: 20 a second at most, however many notifications come, and whoever sends them. */
const APART_MS = 50;
const RETRY_MS_MAX = 2_000;

/**
 * Follows the audit log by its numbers. A notification is only a reason to look: what it says is not read, so that
 * forged ones can say nothing, and a lost one costs time and no change.
 *
 * ```
 *  rest ── notification, or 2 s ──▶ read ──▶ tell, in order ──▶ 50 ms ──▶ rest, or read if there was news
 *                                    ▲ │
 *                                    └─┘ failed: back off
 * ```
 */
export function openPostgresChangeFeed({ run, open, clock, random, log }: PostgresChangeFeedDeps): ChangeFeed {
  const stopping = new AbortController();
  const started = Promise.withResolvers<void>();
  const subscribers = new Set<ChangeSubscriber>();
  let position: LogPosition | null = null;
  let resting: AbortController | null = null;
  let hasNews = true;
  let failures = 0;

  const sleep = (ms: number, signal: AbortSignal) => clock.sleep(ms, signal).catch(() => undefined);

  const onNews = () => {
    hasNews = true;
    resting?.abort();
  };

  const rest = async () => {
    if (hasNews) return;
    resting = new AbortController();
    await sleep(POLL_MS, AbortSignal.any([resting.signal, stopping.signal]));
    resting = null;
  };

  const tell = (what: (subscriber: ChangeSubscriber) => void) => {
    for (const subscriber of subscribers) what(subscriber);
  };

  const read = async () => {
    hasNews = false;
    const { changes, position: reached } = await run((connection) => readChanges(connection, position));
    position = reached;
    if (changes === null) tell((subscriber) => subscriber.onLost());
    else for (const change of changes) tell((subscriber) => subscriber.onChange(change));
    started.resolve();
    if (failures > 0) log.info({}, "changes of tenants are seen again");
    failures = 0;
  };

  const follow = async () => {
    while (!stopping.signal.aborted) {
      await rest();
      if (stopping.signal.aborted) return;
      try {
        await read();
        await sleep(APART_MS, stopping.signal);
      } catch (error) {
        hasNews = true;
        failures++;
        if (failures === 1) log.warn({ error }, "changes of tenants are not seen: the database does not answer");
        await sleep(Math.max(APART_MS, backOffMs(failures, random, RETRY_MS_MAX)), stopping.signal);
      }
    }
  };

  const listener = openRegistryListener({ open, clock, random, log, onNews });
  const following = follow();

  return {
    subscribe(subscriber) {
      subscribers.add(subscriber);
      return () => subscribers.delete(subscriber);
    },
    started: started.promise,
    status: () => ({ isListening: listener.isListening(), isReading: position !== null && failures === 0 }),
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error("the server stops"));
      await listener[Symbol.asyncDispose]();
      await following;
    },
  };
}

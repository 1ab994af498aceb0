import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import pg from "pg";
import { Finish_Reason as FinishReason, type LeaseHandle } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { newKey } from "./callers.ts";
import { readMetrics, sumOf, untilSumIs } from "./metrics-page.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { type Caller, claimOf, connect, hold, type Key, LONG, look, newKeys, seconds, until } from "./waiting-calls.ts";

/** Two servers on one database: on the one it is waited for what the other one is told. */
export interface ListeningScene extends AsyncDisposable {
  /** Where it is waited. */
  readonly here: ServerProcess;
  readonly there: ServerProcess;
  /** That many records, held, and each waited for by a claim and a stream. Resolves once all of them wait, flagged. */
  crowd(keys: number): Promise<Crowd>;
  readyz(): Promise<Readyz>;
  /** Resolves once this is how news come. Until then /readyz must not once say that the server is not ready. */
  untilReadyBy(mode: Readyz["waiting"]): Promise<void>;
  /** What the metrics say of news from the other server. */
  heard(): Promise<Heard>;
  /** Of these two messages, what was logged, in order. */
  announced(trouble: string, over: string): readonly string[];
  /** Resolves once both servers have all their connections again, and no call is refused for the want of one. */
  untilConnected(): Promise<void>;
  /** Records that were completed. */
  readonly completed: number;
}

export interface Crowd {
  /**
   * Completes all records through the other server, and resolves once all who wait are answered, with the longest time
   * in ms from an end to its answer. Rejects if one of them is answered otherwise.
   *
   * @param persist as long as the other server says that its database is away
   */
  complete(options?: { readonly persist: boolean }): Promise<number>;
}

export interface Readyz {
  readonly status: number;
  readonly waiting: "notified" | "polling";
  readonly checks: { readonly database: boolean };
}

export interface Heard {
  readonly isListening: boolean;
  /** Records named in notifications. */
  readonly received: number;
  /** Ends, by what made the server look. */
  readonly notified: number;
  readonly polled: number;
  readonly local: number;
}

export interface SceneOptions {
  readonly databaseUrl: string;
  /** Of the server where it is waited. */
  readonly listenUrl?: string;
}

export const POLLING = "notifications from other servers do not arrive: waiters poll";
export const BACK = "notifications from other servers arrive again";
export const NO_DATABASE = "the database does not answer";
export const DATABASE_BACK = "the database answers again";

export async function openListeningScene({ databaseUrl, listenUrl }: SceneOptions): Promise<ListeningScene> {
  await using opening = new AsyncDisposableStack();
  const args = listenUrl === undefined ? [] : ["--listen-url", listenUrl];
  const starting = [startServer({ databaseUrl, args }), startServer({ databaseUrl })] as const;
  const [here, there] = await Promise.all(starting);
  opening.use(here);
  opening.use(there);
  const waiting = opening.use(connect(here.grpc));
  const telling = opening.use(connect(there.grpc));
  const databaseNow = await createDatabaseClock(databaseUrl);
  const readyz = async (): Promise<Readyz> => {
    const response = await fetch(`${here.http}/readyz`);
    return { ...((await response.json()) as Omit<Readyz, "status">), status: response.status };
  };
  const opened = opening.move();
  let completed = 0;
  return {
    ...{ here, there, readyz },

    async crowd(keys) {
      const handles = await Promise.all(newKeys(keys).map((key) => hold(telling, key)));
      const callsBefore = await sumOf([here], 'holdfast_waiting_calls{placement="main"}');
      const ends = handles.flatMap(({ key }) => {
        const name = key as Key;
        return [endOfClaim(waiting, name), endOfStream(waiting, name)];
      });
      const delays = ends.map(async (answer) => {
        const end = await answer; // Before the clock is read.
        return databaseNow() - end * 1000;
      });
      const all = Promise.all(delays);
      all.catch(() => undefined); // It is waited for only once the records are completed.
      await untilSumIs([here], 'holdfast_waiting_calls{placement="main"}', callsBefore + ends.length);
      for (const { key } of handles) await until(async () => (await look(telling, key as Key)).hasWaiters);
      return {
        async complete({ persist } = { persist: false }) {
          await Promise.all(handles.map((handle) => complete(telling, handle, persist)));
          completed += keys;
          return Math.max(...(await all));
        },
      };
    },

    async untilReadyBy(mode) {
      await until(async () => {
        const { status, waiting } = await readyz();
        if (status !== 200) throw new Error(`the server says that it is not ready: ${status}`);
        return waiting === mode;
      });
    },

    async heard() {
      const page = await readMetrics(here);
      const sample = (name: string) => page.get(name) ?? Number.NaN;
      return {
        isListening: sample('holdfast_listener_up{placement="main"}') === 1,
        received: sample('holdfast_notifications_total{event="received"}'),
        notified: sample('holdfast_wakeup_seconds_count{path="notified"}'),
        polled: sample('holdfast_wakeup_seconds_count{path="polled"}'),
        local: sample('holdfast_wakeup_seconds_count{path="local"}'),
      };
    },

    announced: (trouble, over) =>
      here.lines.map(({ message }) => message).filter((message) => message === trouble || message === over),

    async untilConnected() {
      for (const [server, caller] of [[here, waiting] as const, [there, telling] as const]) {
        const connections = await sumOf([server], 'holdfast_pool_connections{placement="main"}');
        await untilSumIs([server], 'holdfast_pool_connections_open{placement="main"}', connections);
        await untilSumIs([server], "holdfast_ready", 1);
        const claim = claimOf(newKey());
        await until(() => caller.claim(claim).then(yes, isUnavailable));
      }
    },

    get completed() {
      return completed;
    },

    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** The end's instant, in seconds, as a claim that waited is told it. */
async function endOfClaim(caller: Caller, key: Key): Promise<number> {
  const { detail } = await caller.claim(claimOf(key, { wait: 60 }), LONG);
  if (detail.case !== "completed") throw new Error(`a claim that waited was answered ${detail.case}`);
  return secondsOf(detail.value.endTime);
}

/** The same of a stream, which must then be finished. */
async function endOfStream(caller: Caller, key: Key): Promise<number> {
  let end = Number.NaN;
  for await (const { event } of caller.waitFor({ targets: [{ key }], timeout: seconds(90) })) {
    if (event.case === "ended" && event.value.detail.case === "completed") {
      end = secondsOf(event.value.detail.value.endTime);
    }
    if (event.case === "finish" && event.value.reason === FinishReason.DONE) return end;
  }
  throw new Error("a stream ended without the end of its record");
}

function secondsOf(time: { readonly seconds: bigint; readonly nanos: number } | undefined): number {
  if (time === undefined) throw new Error("no instant");
  return Number(time.seconds) + time.nanos / 1e9;
}

async function complete(caller: Caller, handle: LeaseHandle, persist: boolean): Promise<void> {
  const result = { body: { case: "inline" as const, value: Buffer.from("done once") } };
  for (;;) {
    try {
      await caller.complete({ handle, result });
      return;
    } catch (error) {
      if (!persist) throw error;
      isUnavailable(error);
      await sleep(20);
    }
  }
}

const yes = () => true;

/** To be tried again; other errors are thrown. */
function isUnavailable(error: unknown): false {
  if (ConnectError.from(error).code !== Code.Unavailable) throw error;
  return false;
}

/** What the database's clock says now, in ms: ends are dated by it, and it may be another machine's. */
async function createDatabaseClock(url: string): Promise<() => number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const asked = [];
  for (let i = 0; i < 10; i++) {
    const askedMs = performance.now();
    const { rows } = await client.query<{ ms: string }>("select extract(epoch from clock_timestamp()) * 1000 as ms");
    const tookMs = performance.now() - askedMs;
    asked.push({ tookMs, offsetMs: Number(rows[0]?.ms) - askedMs - tookMs / 2 });
  }
  await client.end();
  // The quickest answer leaves the least in doubt.
  const { offsetMs } = asked.reduce((best, next) => (next.tookMs < best.tookMs ? next : best));
  return () => offsetMs + performance.now();
}

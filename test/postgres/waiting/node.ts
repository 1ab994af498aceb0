import pg from "pg";
import { systemClock } from "../../../src/clock.ts";
import type { Peeked } from "../../../src/domain/calls.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Proof } from "../../../src/domain/record.ts";
import { silentObserver } from "../../../src/store/observer.ts";
import { BATCH_LIMITS } from "../../../src/store/postgres/batch-limits.ts";
import { createDatabase } from "../../../src/store/postgres/database.ts";
import { createPostgresStore } from "../../../src/store/postgres/store.ts";
import type { Store } from "../../../src/store/store.ts";
import type { LogFields } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { noTracing } from "../../../src/telemetry/tracing.ts";
import { addWaitingGauges, createWaitingMetrics } from "../../../src/telemetry/waiting-metrics.ts";
import type { WaitLimits } from "../../../src/waiting/hub.ts";
import { openWaiting, type Waiting } from "../../../src/waiting/postgres/waiting.ts";
import { claimIdOf, claimOf, finishOf, freshToken } from "../../support/records.ts";
import { createOnlooker, createStoppingStore, type StoppingStore } from "../../support/waiting.ts";

/** What one server has for those who wait, on connections of its own. */
export interface Node extends Waiting {
  /** What its hub reads through. */
  readonly reads: StoppingStore;
  /** Changes records, and tells nobody. */
  readonly plain: Store;
  readonly lines: readonly LogLine[];
  /** A sample of its metrics. */
  sample(name: string): Promise<number>;
}

export interface LogLine {
  readonly level: "info" | "warn";
  readonly message: string;
  readonly fields: LogFields;
}

export interface NodeOptions {
  readonly listenUrl?: string;
  readonly limits?: Partial<WaitLimits>;
}

const NEVER = Number.POSITIVE_INFINITY;
/** Nobody looks by himself: what is shown was told. */
export const TOLD_ONLY: Partial<WaitLimits> = { backstopMs: NEVER, pollMs: NEVER };

export async function openNode(url: string, { listenUrl = url, limits = {} }: NodeOptions = {}): Promise<Node> {
  await using opening = new AsyncDisposableStack();
  const database = opening.adopt(createDatabase({ url, clock: systemClock, random: Math.random }), (db) => db.close());
  const plain = createPostgresStore({
    ...{ database, clock: systemClock, newToken: freshToken },
    observer: silentObserver,
    tracing: noTracing,
    limits: BATCH_LIMITS,
    asOf: () => null,
  });
  opening.defer(() => plain.close());
  const reads = createStoppingStore(plain);
  const lane = database.lanes(1);
  await database.opened();
  await until(() => plain.peek(newKey(), NEVER).then(...yesOrNo)); // The durability barrier comes first.
  const metrics = createMetrics({ ofProcess: false });
  const lines: LogLine[] = [];
  const logged = (level: LogLine["level"]) => (fields: LogFields, message: string) => {
    lines.push({ level, message, fields });
  };
  const log = { info: logged("info"), warn: logged("warn") };
  const waiting = opening.use(
    openWaiting({
      ...{ limits, log, store: reads.store },
      observer: createWaitingMetrics({ metrics, clock: systemClock, log }),
      clock: systemClock,
      random: Math.random,
      notifications: { run: (work) => lane.run(0, work), listenUrl },
    }),
  );
  const isListening = () => waiting.status().mode === "notified";
  const isWanted = () => waiting.status().isWanted;
  addWaitingGauges({ metrics, placement: "main", hub: waiting.hub, isListening, isWanted });
  const opened = opening.move();
  return {
    ...waiting,
    ...{ reads, plain, lines },
    async sample(name) {
      const line = (await metrics.page()).split("\n").find((candidate) => candidate.startsWith(`${name} `));
      if (line === undefined) throw new Error(`no sample ${name}`);
      return Number(line.split(" ").at(-1));
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const yesOrNo = [() => true, () => false] as const;

let keys = 0;
export function newKey(): RecordKey {
  return { tenant: "default", scope: "waiting", key: `key-${++keys}` };
}

/** Claims as a stranger. */
export async function hold(store: Store, key: RecordKey): Promise<Proof> {
  const answer = await store.claim(claimOf({ key, claimId: claimIdOf("holder"), token: freshToken() }), NEVER);
  if (answer.kind !== "acquired") throw new Error(`bug: the claim was answered ${answer.kind}`);
  return answer.record.lease;
}

export async function complete(store: Store, key: RecordKey, proof: Proof): Promise<void> {
  const answer = await store.finish(finishOf({ key, proof }), NEVER);
  if (answer.kind !== "ended") throw new Error(`bug: the end was answered ${answer.kind}`);
}

export interface Watching {
  /** The record once it has ended, as it was shown. */
  readonly ended: Promise<Peeked>;
  readonly states: readonly (string | null)[];
  leave(): void;
}

/** Waits for the record on this server, and returns when it is flagged and was shown: from then on only news come. */
export async function watch({ hub, plain }: Node, key: RecordKey): Promise<Watching> {
  const ended = Promise.withResolvers<Peeked>();
  const onlooker = createOnlooker((news) => {
    if (news.record !== null && news.record.endTime !== null) ended.resolve(news);
  });
  const joined = hub.join(key, onlooker);
  await until(async () => (await plain.peek(key, NEVER)).record?.hasWaiters === true && onlooker.seen.length > 0);
  return {
    ended: ended.promise,
    leave: () => joined.leave(onlooker),
    get states() {
      return onlooker.states;
    },
  };
}

/** Looks again and again; what is waited for happens in another process. The test's own limit bounds it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await systemClock.sleep(5);
}

/** Ends the sessions whose last statement was like this, as an operator does, and returns how many there were. */
export async function terminate(admin: pg.Client, queryLike: string): Promise<number> {
  const { rowCount } = await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'holdfast' and datname = current_database() and query like $1`,
    [queryLike],
  );
  return rowCount ?? 0;
}

/** A client of the driver's own, with every payload that it has heard on the channel. */
export async function eavesdrop(url: string): Promise<{ client: pg.Client; payloads: string[] }> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined); // Dropping the database ends it.
  const payloads: string[] = [];
  client.on("notification", ({ payload }) => payloads.push(payload ?? ""));
  await client.connect();
  await client.query("listen holdfast");
  return { client, payloads };
}

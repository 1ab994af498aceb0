import { systemClock } from "../../../src/clock.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import { silentObserver } from "../../../src/store/observer.ts";
import { BATCH_LIMITS } from "../../../src/store/postgres/batch-limits.ts";
import type { Connection } from "../../../src/store/postgres/connection.ts";
import { createDatabase, type Database } from "../../../src/store/postgres/database.ts";
import { createPostgresStore } from "../../../src/store/postgres/store.ts";
import { createPostgresTenantKeyTable } from "../../../src/store/sealed/postgres/tenant-key-table.ts";
import type { Store } from "../../../src/store/store.ts";
import { noTracing } from "../../../src/telemetry/tracing.ts";
import { createTestDatabase } from "../../support/database.ts";
import { freshToken } from "../../support/records.ts";
import { sealStore } from "../../unit/store/sealed/sealing.ts";
import { pack, textsOf, unpack } from "./packed.ts";

export type Row = Readonly<Record<string, unknown>>;

/** One batch that went out, and what came back. */
export interface Batch {
  readonly statement: string;
  readonly keys: readonly RecordKey[];
  readonly rows: readonly Row[];
}

export interface MixedStand {
  /** Seals what tenants named `sealed…` keep, and nothing of those named `plain…`. */
  readonly store: Store;
  readonly url: string;
  /** Each batch as it was answered, before anything was done to its answer. */
  readonly batches: readonly Batch[];
  /** As the observer was told: rows of each batch, by statement. */
  readonly sent: ReadonlyMap<string, readonly number[]>;
  /** Of contents that could not be opened, as "tenant: why". */
  readonly alarms: readonly string[];
  /** The next answer to this statement that has two rows at least comes back as `tamper` makes it. */
  tamperOnce(statement: string, tamper: (rows: readonly Row[]) => readonly Row[]): void;
  close(): Promise<void>;
}

/** The real store on a database of its own, with somebody in between who looks at the batches. */
export async function openMixedStand(): Promise<MixedStand> {
  const testDatabase = await createTestDatabase();
  const batches: Batch[] = [];
  const sent = new Map<string, number[]>();
  const tampers = new Map<string, (rows: readonly Row[]) => readonly Row[]>();

  const onAnswer = (batch: Batch): readonly Row[] => {
    batches.push(batch);
    const tamper = tampers.get(batch.statement);
    if (tamper === undefined || batch.rows.length < 2) return batch.rows;
    tampers.delete(batch.statement);
    return tamper(batch.rows);
  };
  const database = createDatabase({ url: testDatabase.url, clock: systemClock, random: Math.random });
  const under = createPostgresStore({
    database: lookedAt(database, onAnswer),
    clock: systemClock,
    observer: {
      ...silentObserver,
      batchSent: (statement, rows) => void sent.set(statement, [...(sent.get(statement) ?? []), rows]),
    },
    limits: BATCH_LIMITS,
    newToken: freshToken,
    tracing: noTracing,
    asOf: () => null,
  });
  const keysLane = database.lanes(1);
  const table = createPostgresTenantKeyTable({ run: (work) => keysLane.run(0, work) });
  const { store, alarms } = sealStore(under, { table });
  await database.opened();

  return {
    store,
    url: testDatabase.url,
    batches,
    sent,
    alarms,
    tamperOnce: (statement, tamper) => void tampers.set(statement, tamper),
    async close() {
      await under.close();
      await database.close();
      await testDatabase.drop();
    },
  };
}

function lookedAt(database: Database, onAnswer: (batch: Batch) => readonly Row[]): Database {
  return {
    ...database,
    lanes(count, options) {
      const lanes = database.lanes(count, options);
      return { ...lanes, run: (lane, work) => lanes.run(lane, (connection) => work(between(connection, onAnswer))) };
    },
  };
}

/** Those of a batched statement, whose first three arguments are the columns of its keys. */
function keysIn(values: readonly unknown[]): readonly RecordKey[] | null {
  const [tenants, scopes, keys] = values;
  if (!Buffer.isBuffer(tenants) || !Buffer.isBuffer(scopes) || !Buffer.isBuffer(keys)) return null;
  const [scopeOf, keyOf] = [textsOf(scopes), textsOf(keys)];
  return textsOf(tenants).map((tenant, i) => ({ tenant, scope: scopeOf[i] ?? "", key: keyOf[i] ?? "" }));
}

function between(connection: Connection, onAnswer: (batch: Batch) => readonly Row[]): Connection {
  return {
    async query<Answer>(statement: { readonly name: string; readonly text: string }, values: readonly unknown[]) {
      const rows = await connection.query<Row>(statement, values);
      const named = keysIn(values);
      if (named === null) return rows as readonly Answer[];
      const told = onAnswer({ statement: statement.name, keys: named, rows: rows.map(unpack) });
      return told.map(pack) as readonly Answer[];
    },
  };
}

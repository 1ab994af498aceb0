import type { Connection } from "../connection.ts";
import { loadStatement, type Statement } from "../statement.ts";

/** What `holdfast doctor` reads of a database, as the statements beside this file name it. */

export interface VersionFacts {
  readonly version: string;
  /** Quoted as SQL wants it. */
  readonly role: string;
  /** This role sees what others' sessions do. */
  readonly sees_all: boolean;
}

export interface ConnectionFacts {
  readonly used: number;
  readonly usable: number;
}

export interface TransactionFacts {
  readonly pid: number;
  readonly who: string;
  readonly state: string | null;
  readonly seconds: number;
}

export interface LockFacts {
  readonly pid: number;
  readonly what: string;
  readonly seconds: number;
  readonly blocker: number | null;
  readonly waiting: number;
}

export interface PreparedFacts {
  /** Quoted as SQL wants it. */
  readonly gid: string;
  readonly seconds: number;
  readonly prepared: number;
}

export interface ReplicationFacts {
  readonly synchronous_names: string;
  readonly synchronous_commit: string;
  readonly standbys: number;
  readonly synchronous: number;
  readonly unseen: number;
  readonly lag_seconds: number;
}

export interface TableFacts {
  readonly name: string;
  readonly live: number;
  readonly dead: number;
  readonly updates: number;
  readonly heap_only: number;
  readonly vacuumed_seconds: number | null;
  readonly autovacuum: boolean;
  readonly table_bytes: number;
  readonly index_bytes: number;
}

export interface IndexFacts {
  readonly name: string;
  readonly valid: boolean;
}

export interface AgeFacts {
  readonly transactions: number;
  readonly multixacts: number;
}

export interface SlotFacts {
  readonly name: string;
  readonly active: boolean;
  readonly wal_status: string | null;
  readonly transactions: number | null;
  readonly wal_bytes: number | null;
}

export interface ArchivingFacts {
  readonly archiving: boolean;
  readonly failing: boolean;
  readonly archived_seconds: number | null;
}

export interface SweepingFacts {
  readonly due: number;
  readonly seconds: number;
}

export interface TriggerFacts {
  readonly name: string;
  readonly enabled: boolean;
}

export interface PlacementFacts {
  readonly name: string;
  readonly identity: string;
}

export interface TenantPlacementFacts {
  readonly name: string;
  readonly tenants: number;
}

/** The rows of one statement. */
export type ReadFacts<Row> = (connection: Connection) => Promise<readonly Row[]>;

export const readClock = reader<{ readonly now_ms: number }>("clock");
export const readVersion = reader<VersionFacts>("version");
export const readConnections = reader<ConnectionFacts>("connections");
export const readTransactions = reader<TransactionFacts>("transactions");
export const readLockWaits = reader<LockFacts>("lock-waits");
export const readPrepared = reader<PreparedFacts>("prepared-transactions");
export const readReplication = reader<ReplicationFacts>("replication");
export const readTables = reader<TableFacts>("tables");
export const readIndexes = reader<IndexFacts>("indexes");
export const readAges = reader<AgeFacts>("ages");
export const readSlots = reader<SlotFacts>("slots");
export const readArchiving = reader<ArchivingFacts>("archiving");
export const readTriggers = reader<TriggerFacts>("triggers");
export const readPlacements = reader<PlacementFacts>("placements");
export const readTenantPlacements = reader<TenantPlacementFacts>("tenant-placements");

/** Counts no further: a sweeper that far behind is behind. */
export const DUE_MAX = 10_000;

export const readSweeping: ReadFacts<SweepingFacts> = reader("sweeping", [DUE_MAX]);

/** The one row of a statement that always has one. */
export async function one<Row>(read: ReadFacts<Row>, connection: Connection): Promise<Row> {
  const [row] = await read(connection);
  if (row === undefined) throw new Error("bug: a statement of the doctor has no row");
  return row;
}

function reader<Row>(name: string, values: readonly unknown[] = []): ReadFacts<Row> {
  const statement: Statement = loadStatement(`doctor/${name}`);
  return (connection) => connection.query<Row>(statement, values);
}

import type { AgeFacts, ArchivingFacts, IndexFacts, SlotFacts, TableFacts } from "../../store/postgres/doctor/facts.ts";
import { ageText } from "../times.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Below it a table is vacuumed in no time. */
const DEAD_MIN = 10_000;

export function judgeTables(tables: readonly TableFacts[]): Finding[] {
  return tables.flatMap((table) => {
    const { ok } = findingsOf("vacuum");
    const wrong = [withoutVacuum(table), deadRows(table)].filter((finding) => finding !== null);
    return wrong.length > 0 ? wrong : [ok(describe(table))];
  });
}

function withoutVacuum({ name, autovacuum }: TableFacts): Finding | null {
  if (autovacuum) return null;
  return findingsOf("vacuum").problem(
    `holdfast.${name} is not vacuumed by itself: it grows, and in the end the database stops taking writes.`,
    `Set autovacuum = on in postgresql.conf and reload, or run: alter table holdfast.${name} reset (autovacuum_enabled).`,
  );
}

function deadRows({ name, live, dead, vacuumed_seconds }: TableFacts): Finding | null {
  if (dead < DEAD_MIN) return null;
  const last =
    vacuumed_seconds === null ? "it was never vacuumed" : `last vacuumed ${ageText(vacuumed_seconds * 1000)} ago`;
  const sentence = `holdfast.${name} has ${count(dead)} dead rows beside ${count(live)} live ones; ${last}.`;
  const mend =
    `Run: vacuum (analyze) holdfast.${name}. If they stay, something holds them: see transactions, prepared, replication ` +
    "and slots. If they come back, give autovacuum more workers or a higher autovacuum_vacuum_cost_limit.";
  return findingsOf("vacuum").above(dead / Math.max(live, DEAD_MIN), 0.5, 5, sentence, mend);
}

function describe({ name, live, updates, heap_only, table_bytes, index_bytes }: TableFacts): string {
  const hot = updates === 0 ? "" : `, ${Math.floor((heap_only / updates) * 100)} % of updates heap-only`;
  return `holdfast.${name}: some ${count(live)} rows, ${bytes(table_bytes)} and ${bytes(index_bytes)} of indexes${hot}.`;
}

/** Those of the migrations. No column that a heartbeat changes is in any of them. */
const INDEXES = new Set(["holdfast.record_pkey", "holdfast.record_open", "holdfast.record_sweep"]);

export function judgeIndexes(indexes: readonly IndexFacts[]): Finding[] {
  const { ok, warning, problem } = findingsOf("indexes");
  const found = new Set(indexes.map(({ name }) => name));
  const wrong = [
    ...[...INDEXES]
      .filter((name) => !found.has(name))
      .map((name) =>
        problem(
          `${name} is not there: statements read the whole table.`,
          'Create it as "holdfast migrate plan" of an empty database has it.',
        ),
      ),
    ...indexes
      .filter(({ valid }) => !valid)
      .map(({ name }) =>
        problem(
          `${name} is not valid: nothing reads it, and writes pay for it.`,
          `Run: reindex index concurrently ${name}.`,
        ),
      ),
    ...indexes
      .filter(({ name }) => !INDEXES.has(name))
      .map(({ name }) =>
        warning(
          `${name} is an index of somebody else's: each heartbeat and claim may pay for it.`,
          `Drop it if nobody needs it: drop index concurrently ${name}.`,
        ),
      ),
  ];
  return wrong.length > 0 ? wrong : [ok("Those that Holdfast made, and no others.")];
}

/** Postgres stops taking writes at some 2.1 billion; vacuum makes haste at 1.6. */
export function judgeAges({ transactions, multixacts }: AgeFacts): Finding {
  const { ok, above } = findingsOf("wraparound");
  const oldest = Math.max(transactions, multixacts);
  const what = transactions >= multixacts ? "transactions" : "multixacts";
  const sentence = `The oldest row lies ${count(oldest)} ${what} back; at 2.1 billion Postgres stops taking writes.`;
  const mend =
    "Run: vacuum (freeze) on this database. If it does not help, see transactions, prepared, replication and slots.";
  return (
    above(oldest, 1_000_000_000, 1_600_000_000, sentence, mend) ??
    ok(`The oldest row lies ${count(oldest)} ${what} back.`)
  );
}

const GIGABYTE = 1_073_741_824;
const OLD_TRANSACTIONS = 10_000_000;

export function judgeSlots(slots: readonly SlotFacts[]): Finding[] {
  const { ok, warning } = findingsOf("slots");
  const wrong = slots.flatMap(({ name, active, wal_status, transactions, wal_bytes }) => {
    const drop = `If nobody comes back for it, run: select pg_drop_replication_slot('${name.replaceAll("'", "''")}').`;
    if (wal_status === "lost") return [warning(`The replication slot ${name} has lost what it needs.`, drop)];
    const idle = active ? "" : ", and nobody uses it";
    if ((wal_bytes ?? 0) > GIGABYTE) {
      return [warning(`The replication slot ${name} keeps ${bytes(wal_bytes ?? 0)} of write-ahead log${idle}.`, drop)];
    }
    if ((transactions ?? 0) > OLD_TRANSACTIONS) {
      return [
        warning(
          `The replication slot ${name} keeps vacuum from removing what is newer than ${count(transactions ?? 0)} transactions${idle}.`,
          drop,
        ),
      ];
    }
    return [];
  });
  if (wrong.length > 0) return wrong;
  return [ok(slots.length === 0 ? "There are no replication slots." : "No replication slot keeps much.")];
}

export function judgeArchiving({ archiving, failing, archived_seconds }: ArchivingFacts): Finding {
  const { ok, warning } = findingsOf("archiving");
  if (!archiving) return ok("No write-ahead log is archived (archive_mode is off).");
  if (!failing) return ok("The last archiving of write-ahead log succeeded.");
  const since =
    archived_seconds === null
      ? "it never has succeeded"
      : `the last success was ${ageText(archived_seconds * 1000)} ago`;
  return warning(
    `Archiving of write-ahead log fails; ${since}.`,
    "See the log of Postgres for what archive_command says: until it succeeds the disk fills, and backups have a gap.",
  );
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function bytes(value: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let [left, unit] = [value, 0];
  while (left >= 1024 && unit < units.length - 1) {
    left /= 1024;
    unit++;
  }
  return `${unit === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${units[unit]}`;
}

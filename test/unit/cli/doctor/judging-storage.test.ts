import {
  judgeAges,
  judgeArchiving,
  judgeIndexes,
  judgeSlots,
  judgeTables,
} from "../../../../src/cli/doctor/storage.ts";
import { expectRows } from "./rows.ts";

const table = (facts: Partial<Parameters<typeof judgeTables>[0][number]>) =>
  judgeTables([
    {
      ...{ name: "record", live: 1_000_000, dead: 0, updates: 200, heap_only: 99, vacuumed_seconds: 60 },
      ...{ autovacuum: true, table_bytes: 5_000_000, index_bytes: 2_000 },
      ...facts,
    },
  ]);
const index = (name: string, valid = true) => ({ name: `holdfast.${name}`, valid });
const INDEXES = ["record_pkey", "record_open", "record_sweep"].map((name) => index(name));
const slot = (facts: Partial<Parameters<typeof judgeSlots>[0][number]>) =>
  judgeSlots([{ name: "o'dd", active: false, wal_status: "reserved", transactions: 5, wal_bytes: 5, ...facts }]);

expectRows("what doctor makes of tables and write-ahead log", [
  ["a clean table", table({}), "ok", "49 % of updates heap-only", "4.8 MB", "2.0 kB"],
  ["dead rows of a small table", table({ live: 10, dead: 9_999 }), "ok"],
  [
    "dead rows",
    table({ dead: 500_000, vacuumed_seconds: null }),
    "warning",
    "500,000 dead",
    "never vacuumed",
    "vacuum (analyze) holdfast.record",
  ],
  ["more dead rows than live ones", table({ live: 10, dead: 50_000, vacuumed_seconds: 7200 }), "problem", "2h ago"],
  ["a table that nothing vacuums", table({ autovacuum: false }), "problem", "autovacuum"],

  ["our indexes", judgeIndexes(INDEXES), "ok"],
  [
    "a foreign index",
    judgeIndexes([...INDEXES, index("theirs")]),
    "warning",
    "drop index concurrently holdfast.theirs",
  ],
  ["an index that is gone", judgeIndexes(INDEXES.slice(1)), "problem", "record_pkey is not there"],
  [
    "an index that is not valid",
    judgeIndexes([...INDEXES.slice(1), index("record_pkey", false)]),
    "problem",
    "reindex",
  ],

  ["young rows", judgeAges({ transactions: 200_000_000, multixacts: 1 }), "ok"],
  [
    "old rows",
    judgeAges({ transactions: 1_000_000_000, multixacts: 1 }),
    "warning",
    "1,000,000,000 transactions",
    "vacuum (freeze)",
  ],
  [
    "rows about to stop the database",
    judgeAges({ transactions: 1, multixacts: 1_600_000_000 }),
    "problem",
    "multixacts",
  ],

  ["no slots", judgeSlots([]), "ok", "no replication slots"],
  ["a slot in use", slot({ active: true }), "ok"],
  [
    "a slot that keeps much log",
    slot({ wal_bytes: 2e9 }),
    "warning",
    "1.9 GB",
    "nobody uses it",
    "pg_drop_replication_slot('o''dd')",
  ],
  ["a slot that keeps dead rows", slot({ active: true, transactions: 20_000_000 }), "warning", "vacuum"],
  ["a slot that has lost its log", slot({ wal_status: "lost", wal_bytes: null }), "warning", "has lost"],

  [
    "no archive",
    judgeArchiving({ archiving: false, failing: true, archived_seconds: null }),
    "ok",
    "archive_mode is off",
  ],
  ["an archive that works", judgeArchiving({ archiving: true, failing: false, archived_seconds: 4 }), "ok"],
  [
    "an archive that fails",
    judgeArchiving({ archiving: true, failing: true, archived_seconds: 4000 }),
    "warning",
    "1h6m ago",
  ],
  [
    "an archive that always failed",
    judgeArchiving({ archiving: true, failing: true, archived_seconds: null }),
    "warning",
    "never",
  ],
]);

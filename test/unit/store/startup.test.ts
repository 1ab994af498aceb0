import { expect, test } from "vitest";
import { type DatabaseFacts, judge, StartupError } from "../../../src/store/postgres/startup.ts";

const sound: DatabaseFacts = {
  version: 180004,
  role: "holdfast",
  standby: false,
  isolation: "read committed",
  read_only: "off",
  encoding: "UTF8",
  fsync: "on",
  full_page_writes: "on",
  synchronous_commit: "on",
  may_emit: true,
  database: "holdfast",
  datestyle: "ISO, MDY",
};

test.for([
  ["PostgreSQL 15", { version: 150000 }],
  ["a major that is newer than this build", { version: 190001 }],
  ["synchronous_commit local", { synchronous_commit: "local" }],
  ["synchronous_commit remote_apply", { synchronous_commit: "remote_apply" }],
] as const)("%s is accepted", ([, facts]) => {
  expect(judge({ ...sound, ...facts })).toEqual([]);
});

test.for([
  ["PostgreSQL 14", { version: 140019 }, /PostgreSQL 14/, /15 or newer/],
  ["a standby", { standby: true }, /standby/, /primary/],
  ["another encoding", { encoding: "SQL_ASCII" }, /SQL_ASCII/, /encoding 'UTF8'/],
  [
    "another isolation",
    { isolation: "repeatable read" },
    /repeatable read/,
    /alter role holdfast set default_transaction_isolation = 'read committed'/,
  ],
  [
    "read-only transactions",
    { read_only: "on" },
    /read-only/,
    /alter role holdfast set default_transaction_read_only = off/,
  ],
  ["a role without the barrier", { may_emit: false }, /barrier/, /grant execute on function pg_logical_emit_message/],
  ["fsync off", { fsync: "off" }, /fsync is off/, /fsync = on/],
  ["full_page_writes off", { full_page_writes: "off" }, /full_page_writes is off/, /full_page_writes = on/],
  ["synchronous_commit off", { synchronous_commit: "off" }, /synchronous_commit is off/, /synchronous_commit = on/],
] as const)("%s is refused with the sentence that mends it", ([, facts, what, mend]) => {
  const problems = judge({ ...sound, ...facts });
  expect(problems).toEqual([{ what: expect.stringMatching(what), mend: expect.stringMatching(mend) }]);
});

test("what a crash can lose is accepted where it was asked for, and nothing else is", () => {
  const unsafe = { ...sound, fsync: "off", full_page_writes: "off", synchronous_commit: "off" };
  expect(judge(unsafe, { allowUnsafeDatabase: true })).toEqual([]);
  expect(judge({ ...unsafe, standby: true }, { allowUnsafeDatabase: true })).toHaveLength(1);
});

test("all problems are told at once, one in a line", () => {
  const problems = judge({ ...sound, version: 140000, fsync: "off", standby: true });
  expect(problems).toHaveLength(3);
  expect(new StartupError(problems).message.split("\n")).toHaveLength(4);
});

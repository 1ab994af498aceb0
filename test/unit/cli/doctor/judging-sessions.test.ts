import { judgeReplication } from "../../../../src/cli/doctor/replication.ts";
import { judgeConnections, judgeLocks, judgePrepared, judgeTransactions } from "../../../../src/cli/doctor/sessions.ts";
import { expectRows } from "./rows.ts";

const SEES_ALL = { version: "18.4", role: "holdfast", sees_all: true };
const SEES_OWN = { ...SEES_ALL, sees_all: false };
const transaction = (seconds: number, state = "active") => ({ pid: 7, who: "psql", state, seconds });
const lock = (seconds: number, blocker: number | null = 8, waiting = 1) => {
  return { pid: 7, what: "holdfast.record", seconds, blocker, waiting };
};
const replication = (facts: Partial<Parameters<typeof judgeReplication>[0]>) =>
  judgeReplication(
    {
      ...{ synchronous_names: "", synchronous_commit: "on", standbys: 0, synchronous: 0, unseen: 0, lag_seconds: 0 },
      ...facts,
    },
    SEES_ALL,
  );

expectRows("what doctor makes of sessions and standbys", [
  ["few connections", judgeConnections({ used: 79, usable: 100 }), "ok", "79 of 100"],
  ["many connections", judgeConnections({ used: 80, usable: 100 }), "warning", "max_connections"],
  ["hardly any connection left", judgeConnections({ used: 95, usable: 100 }), "problem", "95 of 100"],
  ["no room at all", judgeConnections({ used: 1, usable: 0 }), "problem"],

  ["no transaction", judgeTransactions(undefined, SEES_ALL), "ok"],
  [
    "no transaction that may be seen",
    judgeTransactions(undefined, SEES_OWN),
    "skipped",
    "grant pg_read_all_stats to holdfast",
  ],
  ["a young transaction", judgeTransactions(transaction(299), SEES_ALL), "ok"],
  ["a transaction of minutes", judgeTransactions(transaction(300), SEES_ALL), "warning", "5m", "psql (process 7)"],
  [
    "a transaction of an hour",
    judgeTransactions(transaction(3600, "idle in transaction"), SEES_OWN),
    "problem",
    "its client does nothing",
    "pg_terminate_backend(7)",
  ],

  ["no lock wait", judgeLocks(undefined), "ok"],
  ["a short lock wait", judgeLocks(lock(0.9)), "ok"],
  ["a lock wait that a server gives up on", judgeLocks(lock(1, 8, 4)), "warning", "process 8 holds", "3 more wait"],
  ["a long lock wait", judgeLocks(lock(30)), "problem", "pg_terminate_backend(8)"],
  [
    "a wait for a prepared transaction",
    judgeLocks(lock(30, 0)),
    "problem",
    "a prepared transaction holds",
    "roll back",
  ],

  ["no prepared transaction", judgePrepared(undefined), "ok"],
  ["a fresh one", judgePrepared({ gid: "'x'", seconds: 3, prepared: 1 }), "ok"],
  [
    "an old one",
    judgePrepared({ gid: "'x'", seconds: 600, prepared: 2 }),
    "warning",
    "2 transactions",
    "rollback prepared 'x'",
  ],
  ["one that was forgotten", judgePrepared({ gid: "'x'", seconds: 86_400, prepared: 1 }), "problem", "1d"],

  ["no standby", replication({}), "ok", "no standby"],
  ["an asynchronous standby", replication({ standbys: 1 }), "warning", "failover loses", "synchronous_standby_names"],
  ["a synchronous standby", replication({ standbys: 2, synchronous: 1, synchronous_names: "b" }), "ok", "1 of 2"],
  ["a synchronous standby that is missing", replication({ synchronous_names: "b" }), "problem", "every change hangs"],
  [
    "a synchronous standby that nobody waits for",
    replication({ standbys: 1, synchronous: 1, synchronous_names: "b", synchronous_commit: "local" }),
    "warning",
    "synchronous_commit is local",
  ],
  [
    "a standby far behind",
    replication({ standbys: 1, synchronous: 1, synchronous_names: "b", lag_seconds: 61 }),
    "warning",
    "61 s behind",
  ],
  ["standbys that may not be seen", replication({ standbys: 1, unseen: 1 }), "skipped", "grant pg_read_all_stats"],
]);

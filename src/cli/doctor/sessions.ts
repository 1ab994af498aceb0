import type {
  ConnectionFacts,
  LockFacts,
  PreparedFacts,
  TransactionFacts,
  VersionFacts,
} from "../../store/postgres/doctor/facts.ts";
import { ageText } from "../times.ts";
import { type Finding, findingsOf } from "./finding.ts";

const MINUTE = 60;
const HOUR = 3600;

export function judgeConnections({ used, usable }: ConnectionFacts): Finding {
  const { ok, above } = findingsOf("connections");
  const sentence = `${used} of ${usable} connections are open.`;
  const mend =
    "Raise max_connections, put a pooler before the database, or run fewer servers or workers: each process has some ten connections.";
  return above(used / Math.max(1, usable), 0.8, 0.95, sentence, mend) ?? ok(sentence);
}

/** An open transaction keeps vacuum from removing what was changed since it began. */
export function judgeTransactions(oldest: TransactionFacts | undefined, { sees_all, role }: VersionFacts): Finding {
  const { ok, skipped, above } = findingsOf("transactions");
  if (oldest !== undefined) {
    const age = ageText(oldest.seconds * 1000);
    const state = oldest.state === "idle in transaction" ? ", and its client does nothing" : "";
    const sentence = `The oldest transaction is ${age} old, of ${oldest.who} (process ${oldest.pid})${state}.`;
    const mend = `Vacuum removes nothing that is newer. Find out whose it is, or end it: select pg_terminate_backend(${oldest.pid}).`;
    const found = above(oldest.seconds, 5 * MINUTE, HOUR, sentence, mend);
    if (found !== null) return found;
  }
  if (!sees_all) {
    return skipped("This role does not see the transactions of others.", `Run: grant pg_read_all_stats to ${role}.`);
  }
  return ok(oldest === undefined ? "No other transaction is open." : "No transaction has been open for long.");
}

/** A server gives up on a lock after one second. */
export function judgeLocks(longest: LockFacts | undefined): Finding {
  const { ok, above } = findingsOf("locks");
  if (longest === undefined) return ok("Nobody waits for a lock.");
  const { pid, what, seconds, blocker, waiting } = longest;
  const others = waiting > 1 ? `, and ${waiting - 1} more wait` : "";
  const by = blocker === null || blocker === 0 ? "a prepared transaction" : `process ${blocker}`;
  const sentence = `Process ${pid} has waited ${ageText(seconds * 1000)} for a lock on ${what} that ${by} holds${others}.`;
  const mend =
    blocker === null || blocker === 0
      ? "Commit or roll back the prepared transaction."
      : `Find out what that process does, or end it: select pg_terminate_backend(${blocker}).`;
  return above(seconds, 1, 30, sentence, mend) ?? ok("Nobody has waited long for a lock.");
}

/** Like an open transaction, and it outlives its client and a restart. */
export function judgePrepared(oldest: PreparedFacts | undefined): Finding {
  const { ok, above } = findingsOf("prepared");
  if (oldest === undefined) return ok("No transaction is prepared.");
  const { gid, seconds, prepared } = oldest;
  const many = prepared === 1 ? "A transaction is" : `${prepared} transactions are`;
  const sentence = `${many} prepared and not committed, ${gid} for ${ageText(seconds * 1000)}.`;
  const mend = `Holdfast prepares none. Ask whoever does, or run: rollback prepared ${gid}.`;
  return above(seconds, 5 * MINUTE, HOUR, sentence, mend) ?? ok("A transaction was prepared just now.");
}

import type { ReplicationFacts, VersionFacts } from "../../store/postgres/doctor/facts.ts";
import { type Finding, findingsOf } from "./finding.ts";

const LAG_SECONDS = 60;

export function judgeReplication(facts: ReplicationFacts, { role }: VersionFacts): Finding[] {
  const { ok, skipped, warning } = findingsOf("replication");
  const { standbys, synchronous, synchronous_names: names, unseen } = facts;
  if (unseen > 0)
    return [skipped("This role does not see the state of standbys.", `Run: grant pg_read_all_stats to ${role}.`)];
  const wrong = names === "" ? asynchronous(facts) : unattached(facts);
  if (facts.lag_seconds > LAG_SECONDS) {
    wrong.push(
      warning(
        `A standby is ${Math.round(facts.lag_seconds)} s behind.`,
        "Look at its disk and its network: a failover to it takes longer, and without synchronous commits loses more.",
      ),
    );
  }
  if (wrong.length > 0) return wrong;
  if (standbys === 0) return [ok("There is no standby: what was acknowledged is on this database's disk alone.")];
  return [ok(`${synchronous} of ${standbys} standbys are synchronous.`)];
}

function asynchronous({ standbys }: ReplicationFacts): Finding[] {
  if (standbys === 0) return [];
  const sentence = `No standby is synchronous, of ${standbys}: a failover loses the last results that were acknowledged.`;
  return [findingsOf("replication").warning(sentence, "Unless that may be, set synchronous_standby_names and reload.")];
}

function unattached({
  synchronous,
  synchronous_names: names,
  synchronous_commit: commit,
}: ReplicationFacts): Finding[] {
  const { warning, problem } = findingsOf("replication");
  if (commit === "local" || commit === "off") {
    return [
      warning(
        `synchronous_commit is ${commit}: no commit waits for the synchronous standby, and a failover loses the last ones.`,
        "Set synchronous_commit = on for the role or in postgresql.conf.",
      ),
    ];
  }
  if (synchronous > 0) return [];
  return [
    problem(
      `Commits wait for a synchronous standby (${names}), and none is attached: every change hangs.`,
      "Start the standby, or set synchronous_standby_names to those that there are and reload.",
    ),
  ];
}

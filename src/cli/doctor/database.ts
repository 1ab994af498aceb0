import { type Clock, wallClockMs } from "../../clock.ts";
import type { Config } from "../../server/config.ts";
import { type DatabaseSource, withDatabase } from "../../server/database-source.ts";
import { Overdue, withTimeLimit } from "../../server/placement/time-limit.ts";
import { verifyAudit } from "../../store/postgres/audit/verify.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import * as facts from "../../store/postgres/doctor/facts.ts";
import { inspect } from "../../store/postgres/doctor/inspect.ts";
import { countOpenRecords } from "../../store/postgres/doctor/open-records.ts";
import { connectionOf, readIdentity } from "../../store/postgres/identity.ts";
import type { NamedDatabase } from "../databases.ts";
import { judgeAuditLog, judgeTriggers, NEWEST_LINES } from "./audit-log.ts";
import { type ClockOffset, judgeConnection } from "./clocks.ts";
import { type Finding, findingsOf } from "./finding.ts";
import { checkListen } from "./listen.ts";
import { judgeOpenRecords, judgeSweeping } from "./records.ts";
import { judgeReplication } from "./replication.ts";
import { judgeConnections, judgeLocks, judgePrepared, judgeTransactions } from "./sessions.ts";
import { checkPooler, checkStart } from "./start.ts";
import { judgeAges, judgeArchiving, judgeIndexes, judgeSlots, judgeTables } from "./storage.ts";

export interface Examined {
  readonly findings: readonly Finding[];
  /** Null: it could not be asked. */
  readonly offset: Omit<ClockOffset, "name"> | null;
  /** Undefined: it could not be asked. */
  readonly identity: string | null | undefined;
  readonly isReachable: boolean;
}

export interface ExamineDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly pooler: Config["pooler"];
}

/** Of one check: a database that hangs must not take all the time that there is. */
const CHECK_MS_MAX = 5_000;

const CLOCK_SAMPLES = 3;

/** One check after the other, each on a connection of its own: one that fails, or hangs, hides no other. */
export async function examine({ source }: NamedDatabase, deps: ExamineDeps): Promise<Examined> {
  const findings: Finding[] = [];
  /** Null when it could not be done; why is among the findings then. */
  const attempt = async <T>(check: string, work: (signal: AbortSignal) => Promise<T>): Promise<T | null> => {
    try {
      return await withTimeLimit(CHECK_MS_MAX, deps, work);
    } catch (error) {
      findings.push(failure(check, error, deps.signal));
      return null;
    }
  };
  const reading = <T>(check: string, work: (connection: Connection) => Promise<T>) =>
    attempt(check, (signal) => withDatabase(source, (client) => inspect(client, work), signal));
  const add = async (check: string, work: (connection: Connection) => Promise<Finding | readonly Finding[]>) => {
    findings.push(...[(await reading(check, work)) ?? []].flat());
  };

  const first = await attempt("connection", (signal) => look(source, deps.clock, signal));
  if (first === null) return { findings, offset: null, identity: undefined, isReachable: false };
  findings.push(judgeConnection(first.offset.roundTripMs));
  const { version } = first;

  const pooled = (await attempt("pooler", (signal) => checkPooler(source, deps.pooler, signal))) ?? null;
  if (pooled !== null) findings.push(pooled.finding);
  if (pooled?.hasTransactions === false) {
    findings.push(findingsOf("start").skipped("Nothing else was looked at: it could not be trusted."));
    return { findings, offset: first.offset, identity: undefined, isReachable: true };
  }
  const start = await attempt("start", (signal) => checkStart(source, version, pooled?.isPooled ?? false, signal));
  findings.push(...(start?.findings ?? []));

  await add("connections", async (connection) => judgeConnections(await facts.one(facts.readConnections, connection)));
  await add("transactions", async (connection) =>
    judgeTransactions((await facts.readTransactions(connection))[0], version),
  );
  await add("locks", async (connection) => judgeLocks((await facts.readLockWaits(connection))[0]));
  await add("prepared", async (connection) => judgePrepared((await facts.readPrepared(connection))[0]));
  await add("replication", async (connection) =>
    judgeReplication(await facts.one(facts.readReplication, connection), version),
  );
  await add("wraparound", async (connection) => judgeAges(await facts.one(facts.readAges, connection)));
  await add("slots", async (connection) => judgeSlots(await facts.readSlots(connection)));
  await add("archiving", async (connection) => judgeArchiving(await facts.one(facts.readArchiving, connection)));
  if (start?.hasSchema !== true) {
    const { skipped } = findingsOf("records");
    findings.push(skipped("What is in the tables was not looked at: the schema is not one that this version knows."));
    return { findings, offset: first.offset, identity: undefined, isReachable: true };
  }
  const listen = await attempt("listen", (signal) =>
    checkListen({ source, pooled: pooled?.isPooled ?? false, clock: deps.clock, signal }),
  );
  if (listen !== null) findings.push(listen);
  await add("vacuum", async (connection) => judgeTables(await facts.readTables(connection)));
  await add("indexes", async (connection) => judgeIndexes(await facts.readIndexes(connection)));
  await add("triggers", async (connection) => judgeTriggers(await facts.readTriggers(connection)));
  await add("sweeper", async (connection) => judgeSweeping(await facts.one(facts.readSweeping, connection)));
  await add("records", async (connection) => judgeOpenRecords(await countOpenRecords(connection)));
  await add("audit", async (connection) =>
    judgeAuditLog(await verifyAudit(connection, { expected: null, newest: NEWEST_LINES })),
  );
  const identity = await reading("placements", readIdentity);
  return { findings, offset: first.offset, identity: identity ?? null, isReachable: true };
}

function failure(check: string, error: unknown, over: AbortSignal): Finding {
  const { skipped, problem, warning } = findingsOf(check);
  if (over.aborted) return skipped("There was no time left for it.");
  if (check === "connection")
    return problem(`${sentenceOf(error)}`, "Start it, or correct the address, the password or what is between.");
  if (error instanceof Overdue)
    return warning(
      `It took more than ${CHECK_MS_MAX / 1000} s, and was given up.`,
      "See connection, locks and transactions.",
    );
  const { code } = error as { readonly code?: string };
  if (code === "42501") return skipped(`This role may not look: ${sentenceOf(error)}`);
  if (code === "55P03")
    return warning("What it reads is locked.", "See locks: somebody alters the table, or has forgotten that he does.");
  return warning(`It could not be checked: ${sentenceOf(error)}`, "See connection, and the log of Postgres.");
}

function sentenceOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(message) ? message : `${message}.`;
}

/** The clock, too: it belongs to the first connection that there is. */
function look(source: DatabaseSource, clock: Clock, signal: AbortSignal) {
  return withDatabase(
    source,
    async (client) => {
      // Not in a transaction: through a pooler in statement mode there are none, and the check of it is to say so.
      const connection = connectionOf(client);
      const version = await facts.one(facts.readVersion, connection);
      const offsets = [];
      for (let sample = 0; sample < CLOCK_SAMPLES; sample++) {
        const startedMs = clock.monotonicMs();
        const { now_ms } = await facts.one(facts.readClock, connection);
        const roundTripMs = clock.monotonicMs() - startedMs;
        offsets.push({ ms: now_ms - (wallClockMs() - roundTripMs / 2), roundTripMs });
      }
      // The quickest answer is the most exact one.
      const [offset] = offsets.toSorted((one, other) => one.roundTripMs - other.roundTripMs);
      if (offset === undefined) throw new Error("bug: no samples");
      return { version, offset };
    },
    signal,
  );
}

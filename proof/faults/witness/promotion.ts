import { setTimeout as sleep } from "node:timers/promises";
import type { Callers } from "../calls.ts";
import type { Field } from "../row.ts";
import type { StandDatabase } from "../stand/stand.ts";
import { type Acknowledged, findLost, startWitnesses } from "./acknowledged.ts";

/** What a promotion has cost. */
export interface Promoted {
  /** Results that were acknowledged before the primary was killed. */
  readonly acknowledged: number;
  /** Which of them are gone. */
  readonly lost: readonly Acknowledged[];
  /** Of those the ones that the standby had before it was cut off: nothing excuses their loss. */
  readonly lostOfWhatItHad: number;
  /** From the oldest lost acknowledgement to the death of the primary. 0: none was lost. */
  readonly lossMs: number;
  /** From killing the primary to the standby's having been promoted. */
  readonly promotionMs: number;
  /** From the promotion to the first success of a call made since the kill, of the server that took longest. */
  readonly recoveryMs: number;
}

/** Completed before the standby is cut off, and after. */
const BEFORE = 40;
const AFTER = 20;
const CALLERS = 12;
/** For so long the primary goes on at least, and its standby hears nothing of it. */
const LAG_MS = 400;
const UNSENT = 5;
const LOOK_MS = 10;
const LOOKS_MAX = 3_000;

/**
 * Cuts the standby off from its primary under load, kills the primary a little later, and promotes the standby: what was
 * acknowledged between is there only if commits have waited for the standby. The cut is a stop of the process that sends
 * the log, so nothing of it is in any socket.
 */
export async function promote(field: Field, callers: Callers, round: number): Promise<Promoted> {
  const { stand, load, recorder } = field;
  const scope = `${field.scope}-promotion-${round}`;
  const rpcs = stand.servers.map((server) => callers.open(server));
  const [reader] = rpcs;
  if (reader === undefined) throw new Error("bug: a server is needed");
  const witnesses = startWitnesses({ rpcs, scope, callers: CALLERS });
  await witnesses.more(BEFORE);

  const { caughtUpMs, killedMs, promotedMs, recoveredMs } = await recorder.during(
    { mark: "database-crash" },
    async () => {
      const caughtUpMs = await untilCaughtUp(stand.primary, stand.standby);
      await stopSending(stand.primary);
      await sleep(LAG_MS);
      // While commits wait for the standby nothing is acknowledged; otherwise something is, however slow the machine.
      if (stand.options.standby === "asynchronous") await witnesses.more(UNSENT);
      const killedMs = performance.now();
      await stand.primary.stop("kill");
      const goneMs = performance.now();
      const recovering = Promise.all(stand.servers.map(({ name }) => load.firstSuccessAfter(goneMs, name)));
      await stand.failOver();
      const promotedMs = performance.now();
      const recoveredMs = Math.max(...(await recovering));
      return { caughtUpMs, killedMs, promotedMs, recoveredMs };
    },
  );

  await witnesses.more(AFTER);
  await witnesses.stop();
  const acknowledged = witnesses.acknowledged.filter(({ atMs }) => atMs < killedMs);
  const lost = await findLost(reader, scope, acknowledged);
  return {
    ...{ acknowledged: acknowledged.length, lost },
    lostOfWhatItHad: lost.filter(({ atMs }) => atMs < caughtUpMs).length,
    lossMs: lost.reduce((longest, { atMs }) => Math.max(longest, killedMs - atMs), 0),
    promotionMs: promotedMs - killedMs,
    recoveryMs: Math.max(0, recoveredMs - promotedMs),
  };
}

/** When it was asked, by performance.now(), for what of the log the standby has by now: all that was acknowledged then. */
async function untilCaughtUp(primary: StandDatabase, standby: StandDatabase | null): Promise<number> {
  if (standby === null) throw new Error("bug: a standby is needed");
  const askedMs = performance.now();
  const [row] = await primary.sql("select pg_current_wal_flush_lsn()::text as lsn");
  const question = `select pg_last_wal_receive_lsn() >= '${row?.["lsn"]}' as has`;
  for (let look = 0; look < LOOKS_MAX; look++) {
    const [answer] = await standby.sql(question);
    if (answer?.["has"] === true) return askedMs;
    await sleep(LOOK_MS);
  }
  throw new Error("the standby does not catch up");
}

/** It stays stopped until it is killed with its primary. */
async function stopSending(primary: StandDatabase): Promise<void> {
  const senders = await primary.sql("select pid from pg_stat_replication");
  if (senders.length === 0) throw new Error("nobody sends the log to the standby");
  for (const { pid } of senders) process.kill(Number(pid), "SIGSTOP");
}

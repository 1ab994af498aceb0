import { setTimeout as pause } from "node:timers/promises";
import { startLibraryUsers } from "../load/library.ts";
import type { Field, Row } from "../row.ts";
import { ROLE } from "../stand/postgres.ts";
import type { Stand } from "../stand/stand.ts";
import { STANDBY } from "../stand/standby.ts";

const EVERY_MS = 100;
const USERS = 16;
const ANSWERED_PERCENT_MIN = 99.9;
/** For so many of any kind, one whose commit waits. */
const PER_COMMITTING = 2;

/** One of any: those that work, those that lie idle, and those that listen. */
const END_ANY = `
  select pg_terminate_backend(pid) as ended
    from (select pid from pg_stat_activity where usename = '${ROLE}' order by random() limit 1)`;

/** One whose commit waits for the standby, looked for sixty times; this one must not wait for it. */
const END_COMMITTING = `
  set synchronous_commit = local;
  create or replace function pg_temp.end_one() returns boolean as $$
  declare
    victim integer;
  begin
    for i in 1..60 loop
      perform pg_stat_clear_snapshot();
      select pid into victim from pg_stat_activity where usename = '${ROLE}' and wait_event = 'SyncRep' limit 1;
      exit when found;
      perform pg_sleep(0.001);
    end loop;
    return coalesce(pg_terminate_backend(victim), false);
  end
  $$ language plpgsql;
  select pg_temp.end_one() as ended`;

/**
 * A server sends what was under way once more on a new connection, so callers hardly notice. How many do is a matter of
 * how long statements and new connections take: bounded where nothing else runs on the machine.
 *
 * Then commits wait for a standby that is held up, and the session of one that waits is ended: it has committed, answers
 * nothing, and what it was asked may exist there and nowhere else. So its callers are told that there is no answer, and
 * ask again.
 */
export const terminateSessions: Row = {
  id: "F08",
  fault: "pg_terminate_backend of a random session of the servers ten times a second, and of ones whose commit waits",
  stand: { standby: "synchronous" },
  times: { short: 30, full: 6_000 },
  async inject(field) {
    const { stand, load, recorder, scope, times, isFull, figure, say } = field;
    const users = startLibraryUsers({ stand, recorder, scope, users: USERS });
    await recorder.during({ mark: "trouble" }, async () => {
      await stand.primary.configure({ synchronous_standby_names: "" });
      const fromMs = performance.now();
      const ended = await endSessions(field, times, () => stand.primary.sql(END_ANY));
      const { calls, answered } = load.latencies({ fromMs, toMs: performance.now() });
      figure({ name: "sessions ended", value: ended, unit: "", must: { atLeast: 0.9 * times } });
      figure({ name: "calls meanwhile", value: calls, unit: "", must: { atLeast: 1 } });
      const share = { name: "answered at the first try", value: (100 * answered) / calls, unit: "%" };
      figure(isFull ? { ...share, must: { atLeast: ANSWERED_PERCENT_MIN } } : share);

      await stand.primary.configure({ synchronous_standby_names: STANDBY });
      const committing = Math.ceil(times / PER_COMMITTING);
      const cut = await endSessions(field, committing, () =>
        withoutReceiver(stand, () => stand.primary.sql(END_COMMITTING)),
      );
      figure({ name: "ended while their commit waited", value: cut, unit: "", must: { atLeast: committing / 2 } });
    });
    await users.stop();
    for (const failure of users.failures.slice(0, 3)) say(failure);
    const retries = await Promise.all(stand.servers.map((server) => server.metric("holdfast_store_retries_total")));
    const retried = retries.reduce((sum, each) => sum + each, 0);
    figure({ name: "batches sent again", value: retried, unit: "", must: { atLeast: 1 } });
    figure({ name: "work done through the client", value: users.done, unit: "", must: { atLeast: 1 } });
    figure({ name: "its work that was begun twice", value: users.begunAgain, unit: "", must: { atMost: 0 } });
    figure({ name: "its work that failed", value: users.failures.length, unit: "", must: { atMost: 0 } });
  },
  control: { kind: "mutant", mutant: "M16", fails: /porcupine: VIOLATION|begun twice/ },
};

/** How many were ended. */
async function endSessions(
  { say }: Field,
  times: number,
  endOne: () => Promise<readonly Record<string, unknown>[]>,
): Promise<number> {
  const fromMs = performance.now();
  let ended = 0;
  for (let asked = 1; asked <= times; asked++) {
    const [row] = await endOne();
    if (row?.["ended"] === true) ended++;
    if (asked % 100 === 0) say(`${asked} of ${times} ended`);
    await pause(Math.max(0, fromMs + asked * EVERY_MS - performance.now()));
  }
  return ended;
}

/** While the standby receives nothing. */
async function withoutReceiver<T>({ standby }: Stand, act: () => Promise<T>): Promise<T> {
  const rows = await standby?.sql("select pid from pg_stat_activity where backend_type = 'walreceiver'");
  const pid = Number(rows?.[0]?.["pid"] ?? 0);
  if (pid === 0) throw new Error("the standby receives nothing");
  process.kill(pid, "SIGSTOP");
  try {
    return await act();
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

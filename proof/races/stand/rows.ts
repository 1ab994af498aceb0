import { systemClock } from "../../../src/clock.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Session } from "../../../src/store/postgres/connection.ts";

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await systemClock.sleep(2);
}

export async function run(session: Session, text: string): Promise<void> {
  await session.query({ name: "", text }, []);
}

/** Holds the rows' locks in a transaction that changes nothing, as long as `work` takes to let others come to them. */
export async function whileHeld(
  session: Session,
  keys: readonly RecordKey[],
  work: (blocked: (sessions: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  await run(session, "begin");
  try {
    await session.query(HOLD, [keys[0]?.scope, keys.map(({ key }) => key)]);
    await work((sessions) => blocked(session, sessions));
  } finally {
    await run(session, "commit");
  }
}

const HOLD = {
  name: "race_hold_rows",
  text: "select from holdfast.record where scope = $1 and key = any ($2::text[]) order by key for no key update",
};

/** Resolves once so many sessions wait for a lock that this one holds, or for one who waits for it. */
async function blocked(session: Session, sessions: number): Promise<void> {
  const text = `with recursive behind (pid) as (
      select pg_backend_pid()
      union
      select a.pid
      from behind b
      join pg_stat_activity a on b.pid = any (pg_blocking_pids(a.pid))
      where a.datname = current_database()
    )
    select count(*)::int - 1 as waiting from behind`;
  await until(async () => {
    const [row] = await session.query<{ waiting: number }>({ name: "race_blocked", text }, []);
    return (row?.waiting ?? 0) >= sessions;
  });
}

/** False if it took longer; what was under way goes on then. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const late = systemClock.sleep(ms, over.signal).then(
    () => false,
    () => true,
  );
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    over.abort();
  }
}

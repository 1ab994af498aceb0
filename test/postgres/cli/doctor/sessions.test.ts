import { expect, test } from "vitest";
import { withClient } from "../../../../src/store/postgres/connection.ts";
import * as facts from "../../../../src/store/postgres/doctor/facts.ts";
import { inspect } from "../../../../src/store/postgres/doctor/inspect.ts";
import { another, patient } from "./stand.ts";

const read = <Row>(url: string, what: facts.ReadFacts<Row>) =>
  withClient({ url }, (client) => inspect(client, (connection) => what(connection)));

test("the oldest transaction is seen with whose it is and what it does", async () => {
  const { url } = await patient();
  expect(await read(url, facts.readTransactions)).toEqual([]);
  const [idle, busy] = [await another(url), await another(url)];
  await idle.query("begin");
  await busy.query("begin");
  const { rows } = await idle.query("select pg_backend_pid() as pid");
  const [oldest, ...more] = await read(url, facts.readTransactions);
  expect(oldest).toEqual({
    pid: rows[0].pid,
    who: "patient",
    state: "idle in transaction",
    seconds: expect.any(Number),
  });
  expect(oldest?.seconds).toBeGreaterThanOrEqual(0);
  expect(more).toEqual([]);
});

test("who waits longest for a lock is seen with what it waits for and who has it", async () => {
  const { url } = await patient();
  expect(await read(url, facts.readLockWaits)).toEqual([]);
  const [holder, first, second] = [await another(url), await another(url), await another(url)];
  const { rows } = await holder.query("select pg_backend_pid() as pid");
  await holder.query("begin");
  await holder.query("lock table holdfast.audit in access exclusive mode");
  const waiting = "select from pg_locks where not granted and relation = 'holdfast.audit'::regclass";
  const waits = async (count: number) =>
    expect.poll(async () => (await holder.query(waiting)).rowCount, { timeout: 10_000 }).toBe(count);
  const { rows: pids } = await first.query("select pg_backend_pid() as pid");
  const firstWait = first.query("select from holdfast.audit");
  await waits(1);
  const secondWait = second.query("select from holdfast.audit");
  await waits(2);
  expect(await read(url, facts.readLockWaits)).toEqual([
    { pid: pids[0].pid, what: "holdfast.audit", seconds: expect.any(Number), blocker: rows[0].pid, waiting: 2 },
  ]);
  await holder.query("rollback");
  await Promise.all([firstWait, secondWait]);
});

test("a wait for a row counts as well", async () => {
  const { url } = await patient();
  const [holder, waiter] = [await another(url), await another(url)];
  const lock = "select from holdfast.audit_head for update";
  await holder.query("begin");
  await holder.query(lock);
  const waiting = waiter.query(lock);
  await expect
    .poll(() => read(url, facts.readLockWaits), { timeout: 10_000 })
    .toEqual([expect.objectContaining({ what: "transactionid", waiting: 1 })]);
  await holder.query("rollback");
  await waiting;
});

test("what is inspected can be changed by nothing, and leaves nothing in the session", async () => {
  const { url } = await patient();
  await withClient({ url }, async (client) => {
    const write = inspect(client, (connection) =>
      connection.query({ name: "", text: "update holdfast.audit_head set names = 0" }, []),
    );
    await expect(write).rejects.toMatchObject({ code: "25006" });
    const settings = "select name, setting from pg_settings where source = 'session' order by name";
    const before = (await client.query(settings)).rows;
    await inspect(client, async () => undefined);
    expect((await client.query(settings)).rows).toEqual(before);
  });
});

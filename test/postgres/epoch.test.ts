import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { openSession, type Session } from "../../src/store/postgres/connection.ts";
import { createEpoch } from "../../src/store/postgres/epoch.ts";
import { createEmptyDatabase, type TestDatabase } from "../support/database.ts";

let database: TestDatabase;
let admin: pg.Client;

beforeAll(async () => {
  database = await createEmptyDatabase();
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});

afterAll(async () => {
  await admin.end();
  await database.drop();
});

async function withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession({ url: database.url, clock: systemClock });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

async function walPosition(): Promise<bigint> {
  const { rows } = await admin.query("select pg_current_wal_insert_lsn() - '0/0' as position");
  return BigInt(rows[0].position);
}

test("two sessions of one running server are of one epoch, and one barrier serves both", async () => {
  const epoch = createEpoch();
  await withSession((one) =>
    withSession(async (two) => {
      await epoch.admit(one);
      await epoch.admit(two);
      expect([epoch.isCurrent(one), epoch.isCurrent(two), epoch.isBarrierDue()]).toEqual([true, true, true]);
      await epoch.pass(one);
      expect(epoch.isBarrierDue()).toBe(false);
    }),
  );
});

test("the barrier writes to the log, once for each generation", async () => {
  const epoch = createEpoch();
  await withSession(async (session) => {
    await epoch.admit(session);
    const before = await walPosition();
    await Promise.all([epoch.pass(session), epoch.pass(session)]);
    const after = await walPosition();
    expect(after).toBeGreaterThan(before);
    epoch.suspect();
    expect(epoch.isBarrierDue()).toBe(true);
    await epoch.pass(session);
    expect(await walPosition()).toBeGreaterThan(after);
  });
});

test("a role without privileges may ask who the database is, and write the barrier", async () => {
  const role = `holdfast_epoch_${randomBytes(4).toString("hex")}`;
  await admin.query(`create role ${role}`);
  try {
    await withSession(async (session) => {
      await session.query({ name: "become", text: `set role ${role}` }, []);
      const epoch = createEpoch();
      await epoch.admit(session);
      await epoch.pass(session);
      expect(epoch.isCurrent(session)).toBe(true);
    });
  } finally {
    await admin.query(`drop role ${role}`);
  }
});

test("where the cluster's identifier is closed to the role, the rest still tells epochs apart", async () => {
  const role = `holdfast_closed_${randomBytes(4).toString("hex")}`;
  await admin.query(`create role ${role}; revoke execute on function pg_control_system() from public`);
  try {
    await withSession(async (session) => {
      await session.query({ name: "become", text: `set role ${role}` }, []);
      const epoch = createEpoch();
      await epoch.admit(session);
      expect(epoch.isCurrent(session)).toBe(true);
    });
  } finally {
    await admin.query(`grant execute on function pg_control_system() to public; drop role ${role}`);
  }
});

test("a primary that takes no writes is not admitted", async () => {
  await withSession(async (session) => {
    await session.query({ name: "by_default", text: "set default_transaction_read_only = on" }, []);
    await expect(createEpoch().admit(session)).rejects.toMatchObject({ name: "WrongPrimary" });
  });
});

test("those who were admitted before another server was seen are told, whatever they do", async () => {
  const epoch = createEpoch();
  await withSession(async (session) => {
    await epoch.admit(session);
    const told = epoch.overtaken(session);
    epoch.retire();
    await told;
    expect(epoch.isCurrent(session)).toBe(false);
  });
});

test("after the database said that it is no primary no session is current, until one is admitted anew", async () => {
  const epoch = createEpoch();
  await withSession(async (session) => {
    await epoch.admit(session);
    await epoch.pass(session);
    epoch.retire();
    expect(epoch.isCurrent(session)).toBe(false);
    await epoch.admit(session);
    expect([epoch.isCurrent(session), epoch.isBarrierDue()]).toEqual([true, true]);
  });
});

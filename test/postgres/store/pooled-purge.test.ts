import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { openSession, type Session } from "../../../src/store/postgres/connection.ts";
import { purgeRecords } from "../../../src/store/postgres/purge.ts";
import { createServerTime } from "../../../src/store/postgres/server-time.ts";
import { ROLE_SETTINGS } from "../../../src/store/postgres/session-settings.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { OPERATOR } from "../../support/operating.ts";

let database: TestDatabase;
let session: Session;
/** As through a pooler, but for the pooler: each statement with its guard, and the settings are there from the start. */
beforeAll(async () => {
  database = await createTestDatabase();
  const url = new URL(database.url);
  const named = { ...ROLE_SETTINGS, synchronous_commit: "on" };
  const settings = Object.entries(named).map(([name, value]) => `-c ${name}=${value}`);
  url.searchParams.set("options", settings.join(" "));
  session = await openSession({ url: url.href, pooled: true, clock: systemClock });
});
afterAll(async () => {
  await session?.close();
  await database?.drop();
});

test("a purge that fails through a pooler is rolled back, and the session serves on", async () => {
  const time = createServerTime({ clock: systemClock, asOf: () => null });
  const call = { ...OPERATOR, tenant: "default", scope: "s", key: "k", force: false, limit: 10, after: null };
  const broken = purgeRecords(session, call, { ...time, asOf: () => "never" });
  await expect(broken).rejects.toMatchObject({ code: "22007" });
  expect(await purgeRecords(session, call, time)).toEqual({ keys: [], redacted: 0, held: 0, next: null });
  const state = { name: "", text: "select pg_current_xact_id_if_assigned() is null as none" };
  expect(await session.query(state, [])).toEqual([{ none: true }]);
});

import { Code, ConnectError } from "@connectrpc/connect";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ClaimResponse } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newKey } from "./callers.ts";
import { sumOf, untilSumIs } from "./metrics-page.ts";
import { CALLS, openPair, release, untilNobodyWaits } from "./server-pair.ts";
import { type Caller, claimOf, handleOf, hold, LONG, leaseOf, look, until } from "./waiting-calls.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

/** What a claim was answered, be it an error. */
const told = (call: Promise<ClaimResponse>) => call.then(({ detail }) => String(detail.case), codeOf);

const codeOf = (error: unknown) => Code[ConnectError.from(error).code] ?? "";

test.concurrent("those who wait on a server that refuses to acquire are told so, and the next on another server is let through", async () => {
  await using pair = await openPair(database.url);
  const [one, other] = pair.servers;
  const [leaving, staying] = pair.callers;
  const key = newKey();
  const holder = await hold(staying, key);
  const older = Array.from({ length: 3 }, () => told(leaving.claim(claimOf(key, { wait: 60 }), LONG)));
  await untilSumIs([one], CALLS, 3);
  const younger = Array.from({ length: 3 }, () => staying.claim(claimOf(key, { wait: 60 }), LONG));
  await untilSumIs([other], CALLS, 3);
  one.signal("SIGTERM");
  expect(await Promise.all(older)).toEqual(["Unavailable", "Unavailable", "Unavailable"]);
  await release(staying, holder);
  const winner = await Promise.race(younger);
  expect(leaseOf(winner)).toMatchObject({ attempt: 1 });
  expect(await sumOf([other], CALLS)).toBe(2);
  const result = { body: { case: "omittedReason" as const, value: "" } };
  await staying.complete({ handle: handleOf(winner), result });
  expect((await Promise.all(younger.map(told))).sort()).toEqual(["acquired", "completed", "completed"]);
  expect(await one.exited).toEqual({ code: 0, signal: null });
});

test.concurrent("when a tenant has been removed its callers are refused one after the other as they are promoted, and nobody is left waiting", async () => {
  await using pair = await openPair(database.url);
  const { callers } = pair;
  const admin = new pg.Client({ connectionString: database.url });
  admin.on("error", () => undefined);
  await admin.connect();
  // Servers follow the log, whoever writes it.
  const logged = `with head as (
    update holdfast.audit_head set sequence = sequence + 1, names = sequence + 1 returning sequence
  ), line as (
    insert into holdfast.audit (sequence, actor, action, subject_kind, subject, tenant)
    select sequence, 'command-line', ACTION, 'tenant', 'passing', 'passing' from head
  )`;
  const change = (action: string, sql: string) => admin.query(`${logged.replace("ACTION", `'${action}'`)} ${sql}`);
  const addTenant = () =>
    change("register", "insert into holdfast.tenant (id, generation) select 'passing', sequence from head");
  await addTenant();
  const key = { ...newKey(), tenant: "passing" };
  await hold(callers[0], key, 8);
  const waiting = callers.flatMap((caller) =>
    Array.from({ length: 3 }, () => told(caller.claim(claimOf(key, { wait: 60 }), LONG))),
  );
  await untilSumIs(pair.servers, CALLS, 6);
  await change("unregister", "delete from holdfast.tenant where id = 'passing'");
  for (const caller of callers) await until(async () => (await told(caller.claim(claimOf(key)))) === "NotFound");
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(["NotFound"]));
  await untilNobodyWaits(pair.servers);
  expect(await sumOf(pair.servers, "holdfast_promotions_total")).toBe(0);
  await addTenant();
  const isKnown = (caller: Caller) =>
    look(caller, key).then(
      () => true,
      () => false,
    );
  for (const caller of callers) await until(() => isKnown(caller));
  // The holder's attempt is counted, and none of theirs.
  expect(leaseOf(await callers[0].claim(claimOf(key)))).toMatchObject({ attempt: 2 });
  await admin.end();
});

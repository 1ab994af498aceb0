import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Charge,
  ChargeError,
  createLedger,
  type Ledger,
  openLedger,
} from "../../../../src/cli/demo/postgres/ledger.ts";
import { createEmptyDatabase, type TestDatabase } from "../../../support/database.ts";

let database: TestDatabase;
let ledger: Ledger;
let other: pg.Client;

beforeAll(async () => {
  database = await createEmptyDatabase();
  await createLedger(database.url);
  ledger = openLedger({ databaseUrl: database.url, connections: 8, chargeMsMax: 20_000 });
  other = new pg.Client({ connectionString: database.url });
  await other.connect();
});

afterAll(async () => {
  await other?.end();
  await ledger?.[Symbol.asyncDispose]();
  await database?.drop();
});

const chargeOf = (eventId: string, fence: bigint): Charge => ({ eventId, chargeId: randomUUID(), fence, worker: "w" });

/** So many sessions wait for a lock on the ledger. */
async function untilWaiting(sessions: number) {
  const count =
    "select count(*)::int as waiting from pg_locks where not granted and relation = 'demo.ledger'::regclass";
  for (;;) {
    const { rows } = await other.query<{ readonly waiting: number }>(count);
    if (rows[0]?.waiting === sessions) return;
  }
}

test("where nothing is checked, an event is charged as often as somebody asks for it", async () => {
  await ledger.charge(chargeOf("unchecked", 2n), () => true);
  await ledger.charge(chargeOf("unchecked", 1n), () => true);
  expect(await ledger.chargesOf("unchecked")).toHaveLength(2);
});

test("a charge that is forbidden at the last moment is not sent", async () => {
  await expect(ledger.charge(chargeOf("forbidden", 1n), () => false)).rejects.toMatchObject({ sent: false });
  expect(await ledger.chargesOf("forbidden")).toEqual([]);
});

test("where fences are compared, a later attempt finds the charge of an earlier one", async () => {
  const first = chargeOf("found", 1n);
  expect(await ledger.chargeFenced(first)).toBe(first.chargeId);
  expect(await ledger.chargeFenced(chargeOf("found", 2n))).toBe(first.chargeId);
  expect(await ledger.chargesOf("found")).toEqual([first]);
});

test("where fences are compared, an attempt is refused once a later one has been there", async () => {
  await ledger.chargeFenced(chargeOf("refused", 2n));
  const refused = ledger.chargeFenced(chargeOf("refused", 1n));
  await expect(refused).rejects.toBeInstanceOf(ChargeError);
  await expect(refused).rejects.toMatchObject({ sent: false });
});

test("a charge that is on its way is refused when a higher fence is shown before it arrives", async () => {
  await other.query("begin; lock table demo.ledger in exclusive mode");
  const early = ledger.chargeFenced(chargeOf("overtaken", 1n)).catch((error: unknown) => error);
  await untilWaiting(1);
  const later = chargeOf("overtaken", 2n);
  const late = ledger.chargeFenced(later);
  await untilWaiting(2);
  await other.query("commit");
  expect(await early).toMatchObject({ name: "ChargeError", sent: false });
  expect(await late).toBe(later.chargeId);
  expect(await ledger.chargesOf("overtaken")).toEqual([later]);
});

test("attempts that meet charge once between them, and none is told of another charge", async () => {
  for (let round = 0; round < 20; round++) {
    const eventId = `met-${round}`;
    const attempts = [3n, 1n, 4n, 2n, 5n].map((fence) => ledger.chargeFenced(chargeOf(eventId, fence)));
    const settled = await Promise.allSettled(attempts);
    const told = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const charges = await ledger.chargesOf(eventId);
    expect(charges).toHaveLength(1);
    expect(new Set(told)).toEqual(new Set([charges[0]?.chargeId]));
  }
});

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ClaimAnswer } from "../../../src/domain/calls.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import type { PostgresStore } from "../../../src/store/postgres/store.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { bytes, claimOf, freshToken } from "../../support/records.ts";
import { openStoreOn } from "./open-store.ts";

/** As a table does that needs another block and finds no room for it. */
const NO_ROOM = `
  create function no_room() returns trigger language plpgsql as $$
    begin
      raise exception 'could not extend file' using errcode = 'disk_full';
    end $$;
  create trigger no_room before insert on holdfast.record for each row when (new.scope = 'new') execute function no_room()`;

const COUNT = 40;
const LATE = Number.POSITIVE_INFINITY;

let database: TestDatabase;
let store: PostgresStore;
beforeAll(async () => {
  database = await createTestDatabase();
  await withClient({ url: database.ownerUrl }, (client) => client.query(NO_ROOM));
  store = await openStoreOn(database.url);
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

const key = (scope: string, i: number) => ({ tenant: "default", scope, key: `key-${i}` });
const claim = (scope: string, i: number) =>
  store.claim(claimOf({ key: key(scope, i), claimId: randomUUID(), token: freshToken() }), LATE);

async function each<T>(act: (i: number) => Promise<T>): Promise<readonly T[]> {
  return await Promise.all(Array.from({ length: COUNT }, (_, i) => act(i)));
}

/** What is there already, ended as is said. */
async function have(scope: string, kind: "complete" | "retryable"): Promise<void> {
  await each(async (i) => {
    const answer = await claim(scope, i);
    if (answer.kind !== "acquired") throw new Error(`not acquired: ${answer.kind}`);
    const end = { key: key(scope, i), proof: answer.record.lease, kind, outcome: bytes("done"), digest: bytes(kind) };
    await store.finish({ ...end, delayMs: 0, checkpoint: null, onlyIfDue: null }, LATE);
  });
}

/** How a claim of a new record is told that there is none, by an answer or by an error. */
async function toldOf(answer: Promise<ClaimAnswer>): Promise<string> {
  try {
    const told = await answer;
    return told.kind === "fault" ? told.code : told.kind;
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
}

test("who replays or takes what is there is served beside those who find no room for a new record", async () => {
  await have("ended", "complete");
  await have("given-back", "retryable");
  const [created, replayed, taken] = await Promise.all([
    each((i) => toldOf(claim("new", i))),
    each((i) => toldOf(claim("ended", i))),
    each((i) => toldOf(claim("given-back", i))),
  ]);
  expect([new Set(created), new Set(replayed), new Set(taken)]).toEqual([
    new Set(["STORE_UNAVAILABLE"]),
    new Set(["completed"]),
    new Set(["acquired"]),
  ]);
});

test("who finds no room alone is told so, and is served once there is some", async () => {
  expect(await toldOf(claim("new", 1))).toBe("STORE_UNAVAILABLE");
  await withClient({ url: database.ownerUrl }, (client) => client.query("drop trigger no_room on holdfast.record"));
  expect(await toldOf(claim("new", 1))).toBe("acquired");
});

import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminService } from "../../gen/holdfast/v1/admin_pb.ts";
import {
  FailKind,
  FailReason,
  IdempotencyService,
  LeaseExpiryPolicy,
  type LeaseHandle,
  RecordState,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { RecordEventKind, StuckReason } from "../../gen/holdfast/v1/operator_pb.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { age } from "./bad-inputs/stand.ts";
import { newClaimId, newKey } from "./callers.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { handleOf, until } from "./waiting-calls.ts";

const REASON = "the worker is gone";
const HOLD = { onLeaseExpiry: LeaseExpiryPolicy.HOLD };
const inline = (text: string) => ({ body: { case: "inline" as const, value: new Uint8Array(Buffer.from(text)) } });

interface Both {
  readonly admin: Client<typeof AdminService>;
  readonly records: Client<typeof IdempotencyService>;
}

let database: TestDatabase;
let sql: pg.Client;
let servers: readonly ServerProcess[] = [];
/** Where the work is done, and where the operator looks. */
let here: Both;
let there: Both;

beforeAll(async () => {
  database = await createTestDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  const start = () => startServer({ databaseUrl: database.url, args: ["--log-level", "debug"] });
  servers = await Promise.all([start(), start()]);
  const [one, other] = servers.map(({ grpc }): Both => {
    const transport = createGrpcTransport({ baseUrl: `http://${grpc}` });
    return { admin: createClient(AdminService, transport), records: createClient(IdempotencyService, transport) };
  });
  if (one === undefined || other === undefined) throw new Error("two servers");
  [here, there] = [one, other];
});

afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
  await sql?.end();
  await database?.drop();
});

type Key = ReturnType<typeof newKey>;

const claim = (key: Key, more: object = {}) =>
  here.records.claim({ key, claimId: newClaimId(), lease: { seconds: 30n }, ...more });
const acquire = async (key: Key, more: object = {}): Promise<LeaseHandle> => handleOf(await claim(key, more));
const fail = (handle: LeaseHandle, kind: FailKind) =>
  here.records.fail({ handle, kind, error: { code: 14, message: "no answer" } });
const reasonOf = (call: Promise<unknown>) =>
  call.then(
    () => "OK",
    (error: unknown) => String(error),
  );

/** Somebody who waits for the record on the one server while the operator mends it on the other. */
function waitFor(key: Key) {
  const seen: string[] = [];
  const ended = (async () => {
    const events = here.records.waitFor({ targets: [{ key }], timeout: { seconds: 60n }, includeResult: true });
    for await (const { event } of events) {
      seen.push(event.case ?? "");
      if (event.case === "ended") return event.value.detail;
    }
    throw new Error("the wait is over without an end");
  })();
  return { ended, started: () => until(() => seen.length > 0) };
}

/** Lines of the audit log about one record, as an auditor reads them. */
async function audited(key: Key) {
  const { rows } = await sql.query(
    `select sequence::text, actor, action, reason from holdfast.audit
    where subject_kind = 'record' and tenant = 'default' and record_scope = $1 and record_key = $2 order by sequence`,
    [key.scope, key.key],
  );
  return rows as readonly Readonly<Record<"sequence" | "actor" | "action" | "reason", string>>[];
}

test("a worker dies under HOLD, an operator finds the record, says what came of it, and who waits gets the result", async () => {
  const key = newKey();
  const owner = { service: "billing", instance: "billing-7" };
  const handle = await acquire(key, { policy: HOLD, owner, externalRef: "ch_1" });
  const waiter = waitFor(key);
  await waiter.started();
  await age(sql, key, "5 minutes");

  const list = await there.admin.listRecords({ scope: key.scope, stuckOnly: true, owner: "billing" });
  const [stuck] = list.records.filter((record) => record.key?.key === key.key);
  expect(stuck).toMatchObject({
    state: RecordState.OUTCOME_UNKNOWN,
    stuck: StuckReason.OUTCOME_UNKNOWN,
    owner,
    externalRef: "ch_1",
    hasWaiters: true,
  });
  const before = await there.admin.getRecordTimeline({ key });
  expect(before.events.map(({ kind }) => kind)).toEqual([RecordEventKind.CLAIMED, RecordEventKind.LEASE_EXPIRED]);

  const result = { ...inline("charged"), contentType: "text/plain" };
  const { record } = await there.admin.resolveOutcome({
    key,
    verdict: { case: "completed", value: result },
    expectedFence: stuck?.fence ?? 0n,
    reason: REASON,
  });
  expect(record).toMatchObject({ state: RecordState.COMPLETED, stuck: StuckReason.UNSPECIFIED });
  const detail = await waiter.ended;
  expect(detail.case).toBe("completed");
  if (detail.case === "completed") expect(detail.value.result).toMatchObject(result);
  expect(await reasonOf(here.records.complete({ handle, result: inline("late") }))).toContain("a newer attempt");

  const { events } = await there.admin.getRecordTimeline({ key });
  const [line] = await audited(key);
  expect(line).toMatchObject({ actor: "anonymous", action: "resolve", reason: REASON });
  expect(events.at(-1)).toMatchObject({
    kind: RecordEventKind.RESOLVED,
    actor: "anonymous",
    reason: REASON,
    auditSequence: BigInt(line?.sequence ?? 0),
  });
});

test("a failure that an operator stores is replayed as a terminal one is, and says that it was resolved", async () => {
  const [byHolder, byOperator] = [newKey(), newKey()];
  const error = { code: 9, message: "no such card" };
  const handle = await acquire(byHolder);
  await here.records.fail({ handle, kind: FailKind.TERMINAL, error });
  await fail(await acquire(byOperator, { policy: HOLD }), FailKind.OUTCOME_UNKNOWN);
  await there.admin.resolveOutcome({ key: byOperator, verdict: { case: "failed", value: error }, reason: REASON });
  const replays = await Promise.all([byHolder, byOperator].map((key) => claim(key)));
  const [first, second] = replays.map(({ detail }) => (detail.case === "failed" ? detail.value : null));
  expect(second?.error).toEqual(first?.error);
  expect([first?.reason, second?.reason]).toEqual([FailReason.REPORTED, FailReason.RESOLVED]);
});

test("a released lease goes at once to whoever waits in a claim on another server", async () => {
  const key = newKey();
  const handle = await acquire(key);
  const waiting = claim(key, { wait: { seconds: 60n } });
  await until(async () => (await here.records.getRecord({ key })).record?.hasWaiters === true);
  await there.admin.forceRelease({ key, expectedFence: handle.fence, reason: REASON });
  expect(handleOf(await waiting).fence).toBeGreaterThan(handle.fence);
  expect(await reasonOf(there.admin.forceRelease({ key, expectedFence: handle.fence, reason: REASON }))).toContain(
    "look at it again",
  );
});

test("of several operators who mend one record at once, one does, and the others are told to look again", async () => {
  const key = newKey();
  const { fence: expectedFence } = await acquire(key);
  const release = ({ admin }: Both) => reasonOf(admin.forceRelease({ key, expectedFence, reason: REASON }));
  const answers = await Promise.all([here, there, here, there].map(release));
  expect(answers.filter((answer) => answer === "OK")).toHaveLength(1);
  expect(answers.filter((answer) => answer.includes("its fence or its state is another"))).toHaveLength(3);
  expect(await audited(key)).toHaveLength(1);
});

test("a record that was reset is claimed for the first time again, with what happened to it kept", async () => {
  const key = newKey();
  await here.records.complete({ handle: await acquire(key), result: inline("wrong") });
  const { record } = await there.admin.resetRecord({ key, reason: REASON });
  expect(record).toMatchObject({ state: RecordState.AVAILABLE, attempt: 0 });
  expect((await acquire(key)).fence).toBeGreaterThan(record?.fence ?? 0n);
  const { events } = await there.admin.getRecordTimeline({ key });
  expect(events.map(({ kind }) => kind)).toEqual([
    ...[RecordEventKind.CLAIMED, RecordEventKind.COMPLETED, RecordEventKind.RESET, RecordEventKind.CLAIMED],
  ]);
});

describe("a list", () => {
  test("has every record of a scope once, page by page, stuck ones first, whatever is asked of it", async () => {
    const scope = newKey().key;
    const keys = Array.from({ length: 9 }, (_, i) => ({ ...newKey(), scope, key: `key-${i}` }));
    for (const [i, key] of keys.entries()) {
      const handle = await acquire(key, { owner: { service: i % 2 === 0 ? "even" : "odd", instance: "" } });
      if (i >= 6) await here.records.complete({ handle, result: inline(`result ${i}`) });
      if (i === 4) await age(sql, key, "1 hour");
    }
    const walk = async (filters: object) => {
      const found: string[] = [];
      for (let pageToken = "", pages = 0; pages < 100; pages++) {
        const page = await there.admin.listRecords({ scope, ...filters, pageToken });
        found.push(...page.records.map(({ key }) => key?.key ?? ""));
        pageToken = page.nextPageToken;
        if (pageToken === "") return found;
      }
      throw new Error("a list without end");
    };
    const all = ["key-4", "key-0", "key-1", "key-2", "key-3", "key-5", "key-6", "key-7", "key-8"];
    for (const pageSize of [1, 2, 1000]) expect(await walk({ pageSize })).toEqual(all);
    expect(await walk({ owner: "odd", pageSize: 1 })).toEqual(["key-1", "key-3", "key-5", "key-7"]);
    expect(await walk({ states: [RecordState.COMPLETED] })).toEqual(["key-6", "key-7", "key-8"]);
    expect(await walk({ stuckOnly: true })).toEqual(["key-4"]);
    expect(await walk({ olderThan: { seconds: 600n } })).toEqual(["key-4"]);
    expect(await walk({ newerThan: { seconds: 600n }, keyPrefix: "key-5" })).toEqual(["key-5"]);
    expect(await walk({ olderThan: { seconds: 315_576_000_000n } })).toEqual([]);
    const { records } = await there.admin.listRecords({ scope, states: [3], includeOutcomes: true });
    expect(records.map(({ result }) => Buffer.from(result?.body.value as Uint8Array).toString())).toEqual([
      ...["result 6", "result 7", "result 8"],
    ]);
  });
});

describe("a purge", () => {
  test("deletes a scope's records with all that is known of them, and leaves those that are held", async () => {
    const scope = newKey().key;
    const keys = Array.from({ length: 30 }, () => ({ ...newKey(), scope }));
    const handles = await Promise.all(keys.map((key) => acquire(key)));
    await Promise.all(handles.slice(1).map((handle) => fail(handle, FailKind.RETRYABLE)));
    const purge = (force: boolean) =>
      there.admin.purgeRecords({ target: { case: "scope", value: scope }, force, reason: REASON });
    expect(await purge(false)).toMatchObject({ purged: 29n, held: 1n, more: false });
    expect((await there.admin.listRecords({ scope })).records).toHaveLength(1);
    expect(await purge(true)).toMatchObject({ purged: 1n, held: 0n, more: false });
    expect(await purge(true)).toMatchObject({ purged: 0n });
    const { rows } = await sql.query("select count(*)::int as count from holdfast.record_event where scope = $1", [
      scope,
    ]);
    expect(rows).toEqual([{ count: 0 }]);
    const [first] = keys;
    if (first === undefined) throw new Error("thirty keys");
    expect((await acquire(first)).fence).toBeGreaterThan(handles[0]?.fence ?? 0n);
  });

  test("of one key keeps its name out of the log, and its tombstone is gone", async () => {
    const key = newKey("somebody@example.com");
    await here.records.complete({ handle: await acquire(key), result: inline("done") });
    const target = { case: "key" as const, value: key };
    expect(await there.admin.purgeRecords({ target, reason: REASON })).toMatchObject({ purged: 1n });
    expect(await reasonOf(there.admin.purgeRecords({ target, reason: REASON }))).toContain("there is no such record");
    expect(await reasonOf(there.admin.getRecordTimeline({ key }))).toContain("there is no such record");
    const lines = servers.flatMap((server) => server.lines);
    expect(JSON.stringify(lines)).not.toContain("somebody@example.com");
    expect(lines.filter(({ message }) => message === "records were purged")).toContainEqual(
      expect.objectContaining({ actor: "anonymous", action: "purge", tenant: "default", target: "record", purged: 1 }),
    );
  });
});

test("the log names who has changed something, and neither scopes, keys nor reasons", async () => {
  const key = newKey();
  await acquire(key, { policy: HOLD });
  await there.admin.forceRelease({ key, reason: REASON });
  await there.admin.resolveOutcome({ key, verdict: { case: "notDone", value: {} }, reason: REASON });
  await there.admin.resetRecord({ key, reason: REASON });
  const sequences = (await audited(key)).map(({ sequence }) => sequence);
  const lines = servers.flatMap((server) => server.lines);
  const told = lines.filter(({ auditSequence }) => sequences.includes(String(auditSequence)));
  expect(told.map(({ message, action, tenant, actor }) => [message, action, tenant, actor])).toEqual([
    ["a record was released", "release", "default", "anonymous"],
    ["an unknown outcome was resolved", "resolve", "default", "anonymous"],
    ["a record was reset", "reset", "default", "anonymous"],
  ]);
  for (const secret of [key.key, REASON]) expect(JSON.stringify(lines)).not.toContain(secret);
});

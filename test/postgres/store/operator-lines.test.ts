import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Instant } from "../../../src/domain/instant.ts";
import { verifyAudit } from "../../../src/store/postgres/audit/verify.ts";
import { createBench, policyOf } from "../../store/bench.ts";
import { OPERATOR } from "../../support/operating.ts";
import { bytes, LEASE_MS } from "../../support/records.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

const NEVER = Number.POSITIVE_INFINITY;

interface Line {
  readonly sequence: bigint;
  readonly time: Instant;
  readonly actor: string;
  readonly action: string;
  readonly subject_kind: string;
  readonly subject: string;
  readonly tenant: string;
  readonly reason: string;
  readonly record_scope: string | null;
  readonly record_key: string | null;
  readonly detail: unknown;
}

async function newest(count: number): Promise<readonly Line[]> {
  const text = `select sequence, time, actor, action, subject_kind, subject, tenant, reason, record_scope, record_key, detail
    from holdfast.audit order by sequence desc limit $1`;
  return (await sessions.observer.query<Line>({ name: "test_newest", text }, [count])).toReversed();
}

async function countLines(): Promise<readonly [lines: bigint, head: bigint]> {
  const text =
    "select (select count(*) from holdfast.audit) as lines, (select sequence from holdfast.audit_head) as head";
  const [row] = await sessions.observer.query<{ lines: bigint; head: bigint }>({ name: "test_count", text }, []);
  return [row?.lines ?? 0n, row?.head ?? 0n];
}

test("each change is one line of the audit log, with its number in the answer and in the history", async () => {
  const { a, key, storeB, advance } = createScene(sessions);
  const suspect = await a.acquire({ policy: policyOf({ hold: true }) });
  advance(LEASE_MS);
  const call = { ...OPERATOR, key, force: false };
  const resolved = await storeB.resolve({ ...call, fence: suspect.fence, verdict: { kind: "not-done" } }, NEVER);
  const taken = await a.acquire();
  const released = await storeB.release({ ...call, fence: taken.fence }, NEVER);
  const reset = await storeB.reset({ ...call, fence: (await a.peek()).lease.fence }, NEVER);
  const answers = [resolved, released, reset].map((answer) => {
    if (answer.kind === "refused") throw new Error(answer.why);
    return { sequence: answer.auditSequence, time: answer.now, fence: `${answer.record.lease.fence}` };
  });
  const common = {
    ...{
      actor: OPERATOR.actor,
      reason: OPERATOR.reason,
      subject_kind: "record",
      subject: key.tenant,
      tenant: key.tenant,
    },
    ...{ record_scope: key.scope, record_key: key.key },
  };
  const line = (i: number, action: string, attempt: number, state: string) => {
    const { sequence, time, fence } = answers[i] ?? { sequence: 0n, time: 0, fence: "" };
    return { ...common, sequence, time, action, detail: { attempt, fence, state } };
  };
  expect(await newest(3)).toEqual([
    line(0, "resolve", 1, "available"),
    line(1, "release", 1, "outcome-unknown"),
    line(2, "reset", 1, "available"),
  ]);
  const history = await storeB.history({ key, withOutcomes: true }, NEVER);
  const named = history?.events.flatMap(({ auditSequence }) => auditSequence ?? []);
  expect(named).toEqual(answers.map(({ sequence }) => sequence));
});

test("what is refused, lists and looks at histories write nothing and count no number", async () => {
  const { a, key, storeB } = createScene(sessions);
  const before = await countLines();
  const absent = { ...OPERATOR, key: { ...key, key: "absent" }, fence: 1n, force: true };
  const lease = await a.acquire();
  for (const call of [absent, { ...absent, key }, { ...absent, key, fence: lease.fence, force: false }]) {
    await storeB.resolve({ ...call, verdict: { kind: "completed", outcome: bytes("r") } }, NEVER);
    if (!call.force || call.fence === 1n) await storeB.reset(call, NEVER);
    if (call.fence === 1n) await storeB.release(call, NEVER);
  }
  for (const force of [true, false]) {
    const named = force ? { ...key, key: "absent" } : key;
    await storeB.purge({ ...OPERATOR, ...named, force, limit: 10, after: null }, NEVER);
  }
  await storeB.history({ key, withOutcomes: true }, NEVER);
  expect(await countLines()).toEqual(before);
  expect(await a.peek()).toEqual(lease.record);
});

test("a purge is one line for each page that deleted something, and names no key", async () => {
  const { storeA, time, a } = createScene(sessions);
  const tenant = randomUUID();
  const benchOf = (key: string) =>
    createBench(
      { store: storeA, now: () => a.now(), setNow: () => {}, close: async () => {} },
      { tenant, scope: "a", key },
    );
  for (const key of ["1", "2", "3"]) await benchOf(key).finish(await benchOf(key).acquire(), "complete");
  await benchOf("0").acquire();
  expect(time.asOf()).not.toBeNull();
  const first = await storeA.purge(
    { ...OPERATOR, tenant, scope: "a", key: null, force: false, limit: 2, after: null },
    NEVER,
  );
  const second = await storeA.purge(
    { ...OPERATOR, tenant, scope: null, key: null, force: false, limit: 9, after: first.next },
    NEVER,
  );
  expect([first.keys.length, first.held, second.keys.length]).toEqual([1, 1, 2]);
  expect(await newest(2)).toMatchObject([
    {
      action: "purge",
      subject: tenant,
      tenant,
      record_scope: "a",
      record_key: null,
      detail: { target: "scope", purged: 1, held: 1 },
    },
    {
      action: "purge",
      subject: tenant,
      tenant,
      record_scope: null,
      record_key: null,
      detail: { target: "tenant", purged: 2, held: 0 },
    },
  ]);
  await storeA.purge({ ...OPERATOR, tenant, scope: "a", key: "0", force: true, limit: 9, after: null }, NEVER);
  expect(await newest(1)).toMatchObject([
    { action: "purge", record_scope: "a", record_key: null, detail: { target: "record", purged: 1, held: 0 } },
  ]);
});

test("a purge blots its keys out of earlier lines, of records long gone too, and of no others; the chain still holds", async () => {
  const { storeA, a } = createScene(sessions);
  const [tenant, other] = [randomUUID(), randomUUID()];
  const make = async (ofTenant: string, scope: string, key: string) => {
    const bench = createBench(
      { store: storeA, now: () => a.now(), setNow: () => {}, close: async () => {} },
      { tenant: ofTenant, scope, key },
    );
    const { fence } = await bench.acquire();
    await storeA.reset({ ...OPERATOR, key: bench.key, fence, force: true }, NEVER);
    return bench;
  };
  await make(tenant, "a", "purged");
  await make(tenant, "a", "purged later");
  await make(tenant, "b", "other scope");
  await make(other, "a", "purged");
  const held = await make(tenant, "a", "held");
  await held.acquire();
  const gone = await make(tenant, "a", "gone");
  // As the sweeper deletes it.
  await sessions.observer.query({ name: "", text: "delete from holdfast.record where tenant = $1 and key = 'gone'" }, [
    tenant,
  ]);
  const keysLeft = async () => {
    const text = `select tenant, record_scope, record_key, salt is null as redacted from holdfast.audit
      where tenant in ($1, $2) and action = 'reset' order by sequence`;
    type Row = { tenant: string; record_key: string | null; redacted: boolean };
    const rows = await sessions.observer.query<Row>({ name: "test_left", text }, [tenant, other]);
    return rows.map(({ record_key, redacted }) => (redacted ? "redacted" : record_key));
  };
  await storeA.purge({ ...OPERATOR, tenant, scope: "a", key: "purged", force: false, limit: 9, after: null }, NEVER);
  expect(await keysLeft()).toEqual(["redacted", "purged later", "other scope", "purged", "held", "gone"]);
  await storeA.purge({ ...OPERATOR, ...gone.key, force: false, limit: 9, after: null }, NEVER);
  expect((await keysLeft()).at(-1)).toBe("redacted");
  expect(await newest(1), "whoever blots something out is written down too").toMatchObject([
    { action: "purge", tenant, record_key: null, detail: { purged: 0, held: 0, redacted: 1 } },
  ]);
  await storeA.purge({ ...OPERATOR, tenant, scope: "a", key: null, force: false, limit: 9, after: null }, NEVER);
  expect(await keysLeft()).toEqual(["redacted", "redacted", "other scope", "purged", "held", "redacted"]);
  expect(await verifyAudit(sessions.observer, { expected: null, newest: null })).toMatchObject({ broken: null });
});

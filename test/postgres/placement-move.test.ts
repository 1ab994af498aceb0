import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RecordKey } from "../../src/domain/key.ts";
import type { Proof } from "../../src/domain/record.ts";
import type { Store } from "../../src/store/store.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { readMoveSteps } from "../support/move-steps.ts";
import { bytes, claimIdOf, claimOf, finishOf, freshToken, POLICY, SECOND } from "../support/records.ts";
import { complete, hold, NEVER, openStand, until, untilUp } from "./placement-stand.ts";

let databases: readonly TestDatabase[] = [];
beforeAll(async () => {
  databases = [await createTestDatabase(), await createTestDatabase(), await createTestDatabase()];
});
afterAll(() => Promise.all(databases.map(({ drop }) => drop())));

async function connected(url: string) {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined); // Dropping the database ends it.
  await client.connect();
  return {
    client,
    async one(sql: string, values: readonly unknown[] = []): Promise<unknown> {
      const { rows } = await client.query({ text: sql, values: [...values], rowMode: "array" });
      return (rows[0] as readonly unknown[] | undefined)?.[0];
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}

const key = (name: string, tenant = "acme"): RecordKey => ({ tenant, scope: "move", key: name });

function claim(store: Store, name: string, change: Parameters<typeof claimOf>[0] = {}) {
  const call = { key: key(name), claimId: claimIdOf(`later ${name}`), token: freshToken(), ...change };
  return store.claim(claimOf(call), NEVER);
}

/** Holds, and says that it has failed with nothing done: claimable again. */
async function giveBack(store: Store, name: string): Promise<Proof> {
  const proof = await hold(store, key(name));
  const answer = await store.finish(finishOf({ key: key(name), proof, kind: "retryable", outcome: null }), NEVER);
  expect(answer.kind).toBe("ended");
  return proof;
}

test("the procedure of the page moves a tenant: results are replayed, tombstones kept, fences rise, late ends count", async () => {
  const [main = "", eu = "", us = ""] = databases.map(({ url }) => url);
  const [MAIN = "", FROM = "", TO = ""] = databases.map(({ ownerUrl }) => ownerUrl);
  await using steps = await readMoveSteps({ MAIN, FROM, TO });
  await using registry = await connected(MAIN);
  await using old = await connected(FROM);
  await using fresh = await connected(TO);
  await using stand = await openStand({
    main,
    others: { eu, us },
    args: ["--sweep-interval", "100ms"],
  });
  for (const name of ["eu", "us"]) await untilUp(stand, name);
  const [from, to] = [stand.of("eu").store, stand.of("us").store];
  expect(steps.count).toBe(4);

  await registry.client.query("insert into holdfast.tenant (id, placement) values ('acme', 'eu')");
  await complete(from, key("completed"), await hold(from, key("completed")));
  const gone = { ...POLICY, resultRetentionMs: 0 };
  await complete(from, key("tombstone"), await hold(from, key("tombstone"), gone));
  const forgotten = await hold(from, key("forgotten"), { ...gone, tombstoneRetentionMs: 0 });
  await complete(from, key("forgotten"), forgotten);
  const givenBack = await giveBack(from, "available");
  await hold(from, key("completed", "neighbour"));
  const late = await claim(from, "late", { leaseMs: 600 * SECOND });
  if (late.kind !== "acquired") throw new Error(`bug: the claim was answered ${late.kind}`);
  const rows = async (where: typeof old, tenant: string) =>
    Number(await where.one("select count(*) from holdfast.record where tenant = $1", [tenant]));
  const swept = "select outcome is null from holdfast.record where key = 'tombstone'";
  await until(async () => (await old.one(swept)) === true && (await rows(old, "acme")) === 4);
  // As if the old cluster's clock were an hour ahead of the new one's, when it gave the fence of a forgotten record.
  const ahead = forgotten.fence + 3_600_000_000n;
  await old.client.query("update holdfast.fence_floor set fence = $1", [ahead.toString()]);

  await steps.switch();
  expect(await registry.one("select placement from holdfast.tenant where id = 'acme'")).toBe("eu"); // Not drained yet.
  await registry.client.query("update holdfast.tenant set draining = true where id = 'acme'");
  expect(await steps.leases()).toBe("1");
  await old.client.query("update holdfast.record set due = clock_timestamp() where tenant = 'acme' and key = 'late'");
  expect(await steps.leases()).toBe("0"); // Its lease has ended.
  await steps.copy();
  expect(await rows(fresh, "acme")).toBe(4);

  const heard = Promise.withResolvers<string>();
  registry.client.on("notification", ({ channel }) => heard.resolve(channel));
  await registry.client.query("listen holdfast_registry");
  await steps.switch();
  expect(await heard.promise).toBe("holdfast_registry");
  const tenant = await registry.client.query(
    `select t.placement, t.generation = a.sequence and t.generation = h.sequence as is_logged, a.action
       from holdfast.tenant t, holdfast.audit a, holdfast.audit_head h where t.id = 'acme' and a.subject = 'acme'`,
  );
  expect(tenant.rows).toEqual([{ placement: "us", is_logged: true, action: "update" }]);

  await complete(from, key("late"), late.record.lease); // On a server that had not seen the switch yet.
  await steps.copy();
  await steps.copy(); // Once more does no harm.
  expect(await rows(fresh, "acme")).toBe(4);
  expect(await rows(fresh, "neighbour")).toBe(0);

  for (const name of ["completed", "late"]) {
    expect(await claim(to, name)).toMatchObject({ kind: "completed", record: { outcome: bytes("outcome") } });
  }
  expect(await claim(to, "tombstone")).toMatchObject({ kind: "expired", record: { outcome: null } });
  const again = await claim(to, "available");
  expect(again).toMatchObject({ kind: "acquired", record: { attempt: 2 } });
  const anew = await claim(to, "forgotten");
  if (again.kind !== "acquired" || anew.kind !== "acquired") throw new Error("bug: not acquired");
  expect(again.record.lease.fence > givenBack.fence).toBe(true);
  expect(anew.record.lease.fence > ahead).toBe(true);
  expect(await to.finish(finishOf({ key: key("late"), proof: late.record.lease }), NEVER)).toMatchObject({
    ...{ kind: "ended", alreadyApplied: true },
  });

  const newest = ahead + 1n;
  await old.client.query("update holdfast.record set fence = $1 where tenant = 'acme' and key = 'late'", [
    newest.toString(),
  ]);
  await steps.cleanUp();
  expect([await rows(old, "acme"), await rows(old, "neighbour")]).toEqual([0, 1]);
  expect(await old.one("select fence::text from holdfast.fence_floor")).toBe(newest.toString());
});

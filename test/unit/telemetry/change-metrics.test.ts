import { expect, test } from "vitest";
import type { OperatorAnswer, Purged } from "../../../src/store/operator-store.ts";
import type { Store } from "../../../src/store/store.ts";
import {
  countApiKeyChanges,
  countRecordChanges,
  countTenantChanges,
  createChangeCounter,
} from "../../../src/telemetry/change-metrics.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { createMemoryApiKeyTable, freshApiKey } from "../../support/api-key-table.ts";
import { NOW } from "../../support/records.ts";
import { createMemoryTenantTable } from "../../support/tenant-table.ts";
import { registrationOf } from "../tenants/registry/scene.ts";

const BY = { actor: "api-key:root", reason: "because" };

function setUp() {
  const metrics = createMetrics({ ofProcess: false });
  const count = createChangeCounter(metrics);
  const series = async () =>
    ((await metrics.page()).match(/^holdfast_operator_changes_total.*$/gm) ?? []).map(
      (line) => line.split("_total")[1],
    );
  const risen = async () => (await series()).filter((line) => !line?.endsWith(" 0"));
  return { count, series, risen };
}

test("every change that there is stands at 0 from the start, and none that there is not", async () => {
  const { series } = setUp();
  expect(await series()).toEqual([
    '{subject="tenant",action="register"} 0',
    '{subject="tenant",action="update"} 0',
    '{subject="tenant",action="drain"} 0',
    '{subject="tenant",action="resume"} 0',
    '{subject="tenant",action="unregister"} 0',
    '{subject="api-key",action="create"} 0',
    '{subject="api-key",action="revoke"} 0',
    '{subject="record",action="release"} 0',
    '{subject="record",action="resolve"} 0',
    '{subject="record",action="reset"} 0',
    '{subject="record",action="purge"} 0',
  ]);
});

test("changes of tenants are counted, and what was not there is not", async () => {
  const { count, risen } = setUp();
  const memory = createMemoryTenantTable(() => NOW);
  const table = countTenantChanges(memory, count);
  const acme = registrationOf("acme");
  await table.update(acme, null, null, BY);
  await table.unregister("acme", BY);
  await table.drain("acme", true, BY);
  expect(await risen()).toEqual([]);
  const { generation } = await table.register(acme, "healthy", BY);
  await table.update({ ...acme, displayName: "Acme" }, null, generation, BY);
  await table.drain("acme", true, BY);
  await table.drain("acme", false, BY);
  await table.unregister("acme", BY);
  const actions = ["register", "update", "drain", "resume", "unregister"];
  expect(await risen()).toEqual(actions.map((action) => `{subject="tenant",action="${action}"} 1`));
});

test("keys that are made and revoked are counted, and one that is not there is not", async () => {
  const { count, risen } = setUp();
  const memory = createMemoryApiKeyTable(() => NOW);
  const table = countApiKeyChanges(memory, count);
  const { input } = freshApiKey({ tenant: null });
  await table.revoke("nobodys", null, BY);
  expect(await risen()).toEqual([]);
  await table.create(input, BY);
  await table.revoke(input.id, null, BY);
  expect(await risen()).toEqual(['{subject="api-key",action="create"} 1', '{subject="api-key",action="revoke"} 1']);
});

test("changes of records are counted, refused ones are not, and a purge counts what it deleted", async () => {
  const { count, risen } = setUp();
  let answer = { kind: "refused", why: "absent", now: NOW } as OperatorAnswer;
  const change = async () => answer;
  const purged: Purged = {
    keys: [1, 2, 3].map((n) => ({ tenant: "acme", scope: "s", key: `${n}` })),
    redacted: 0,
    held: 1,
    next: null,
  };
  const plain = { release: change, resolve: change, reset: change, purge: async () => purged } as unknown as Store;
  const store = countRecordChanges(plain, count);
  const call = { ...BY, key: { tenant: "acme", scope: "s", key: "k" }, fence: 1n, force: false };
  const all = async () => {
    await store.release(call, Infinity);
    await store.resolve({ ...call, verdict: { kind: "not-done" } }, Infinity);
    await store.reset(call, Infinity);
  };
  await all();
  expect(await risen()).toEqual([]);
  answer = { kind: "changed-record" } as OperatorAnswer;
  await all();
  const target = { ...BY, tenant: "acme", scope: "s", key: null, force: false, limit: 10, after: null };
  expect(await store.purge(target, Infinity)).toBe(purged);
  expect(await risen()).toEqual([
    '{subject="record",action="release"} 1',
    '{subject="record",action="resolve"} 1',
    '{subject="record",action="reset"} 1',
    '{subject="record",action="purge"} 3',
  ]);
});

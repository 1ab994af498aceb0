import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TenantBuild } from "../../../gen/holdfast/v1/admin_pb.ts";
import { FailKind } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import { readMetrics, untilSumIs } from "../metrics-page.ts";
import { CALLS } from "../server-pair.ts";
import { claimOf, handleOf, LONG } from "../waiting-calls.ts";
import {
  eventually,
  keyOf,
  openStand,
  outcomeOf,
  ownerOf,
  read,
  reasonOf,
  runtimeOf,
  type Side,
  type Stand,
  seenBy,
  told,
} from "./stand.ts";

let stand: Stand;
let sides: readonly [Side, Side];

beforeAll(async () => {
  stand = await openStand({ euIsKnown: true });
  sides = [stand.one, stand.other];
});
afterAll(() => stand?.[Symbol.asyncDispose]());
beforeEach(() => {
  stand.notifications.release();
  stand.eu.release();
});

let count = 0;
const newId = () => `racer-${++count}`;

const validatedAt = (path: string) => ({
  validator: { kind: { case: "httpUrl" as const, value: stand.validator.url(path) } },
});

/** Registered with a validator that has accepted it, and known to both servers. */
async function registered(id: string): Promise<void> {
  stand.validator.set(id, 204);
  await stand.one.admin.registerTenant({
    registration: { tenantId: id, ...validatedAt(id) },
    awaitFirstValidation: true,
  });
  for (const side of sides) await eventually(() => seenBy(side, id), HEALTHY);
  stand.validator.set(id, null);
}

const HEALTHY = "healthy admit acquired";
const GONE = "tenant_not_found tenant_not_found";

/** What the audit log has of a tenant, in order. */
function audited(id: string): Promise<readonly string[]> {
  return withClient({ url: stand.url }, async (client) => {
    const { rows } = await client.query<{ action: string }>(
      "select action from holdfast.audit where subject = $1 order by sequence",
      [id],
    );
    return rows.map(({ action }) => action);
  });
}

async function listed({ admin }: Side): Promise<readonly string[]> {
  const { tenants } = await admin.listTenants({ pageSize: 1000 });
  return tenants.map(({ registration }) => registration?.tenantId ?? "");
}

const builds = async ({ server }: Side, result = "succeeded") =>
  (await readMetrics(server)).get(`holdfast_tenant_builds_total{result="${result}"}`) ?? 0;

describe("while a tenant is built", () => {
  /** A first call on each server, which waits for the build: the cluster does not say what the tenant uses. */
  async function building(id: string) {
    await stand.one.admin.registerTenant({
      registration: { tenantId: id, placement: "eu", limits: { liveRecords: 1000n } },
    });
    stand.eu.hold();
    const calls = sides.map(({ records }) => told(records.claim(claimOf(keyOf(id)))));
    for (const side of sides) await eventually(() => runtimeOf(side, id), "BUILDING");
    return calls;
  }

  test("first calls on both servers, however many, build it once on each", async () => {
    const id = newId();
    const before = await Promise.all(sides.map((side) => builds(side)));
    const calls = await building(id);
    const more = sides.flatMap(({ records }) =>
      Array.from({ length: 100 }, () => told(records.claim(claimOf(keyOf(id))))),
    );
    stand.eu.release();
    expect(new Set(await Promise.all([...calls, ...more]))).toEqual(new Set(["acquired"]));
    expect(await Promise.all(sides.map((side) => builds(side)))).toEqual(before.map((built) => built + 1));
  });

  test("another tenant is built and served", async () => {
    const [slow, quick] = [newId(), newId()];
    const calls = await building(slow);
    await stand.one.admin.registerTenant({ registration: { tenantId: quick } });
    for (const side of sides) expect(await seenBy(side, quick)).toBe(HEALTHY);
    for (const side of sides) expect(await runtimeOf(side, slow)).toBe("BUILDING");
    stand.eu.release();
    expect(await Promise.all(calls)).toEqual(["acquired", "acquired"]);
  });

  test("unregistering it leaves nothing behind on either server", async () => {
    const id = newId();
    const calls = await building(id);
    await stand.other.admin.unregisterTenant({ tenantId: id });
    expect(await Promise.all(calls), "told before the build ends").toEqual(["TENANT_NOT_FOUND", "TENANT_NOT_FOUND"]);
    stand.eu.release();
    for (const side of sides) {
      expect(await seenBy(side, id)).toBe(GONE);
      expect(await listed(side)).not.toContain(id);
    }
    expect(await audited(id)).toEqual(["register", "unregister"]);
  });

  test("unregistering it and registering it again builds the new one", async () => {
    const id = newId();
    const calls = await building(id);
    await stand.other.admin.unregisterTenant({ tenantId: id });
    await stand.other.admin.registerTenant({ registration: { tenantId: id, displayName: "Again" } });
    for (const { records } of sides) {
      const resolve = () => records.resolveTenant({ selector: { case: "tenantId", value: id } });
      await eventually(() => resolve().then(({ displayName }) => displayName, reasonOf), "Again");
    }
    stand.eu.release();
    // Whoever waited for the old one was told that it had gone, or got the new one: never the old one.
    for (const answer of await Promise.all(calls)) expect(["TENANT_NOT_FOUND", "acquired"]).toContain(answer);
    for (const side of sides) expect(await seenBy(side, id)).toBe(HEALTHY);
  });
});

describe("while a server rechecks a tenant", () => {
  test("others who ask it share the validation", async () => {
    const id = newId();
    stand.validator.set(id, 204);
    await stand.one.admin.registerTenant({ registration: { tenantId: id } });
    await stand.one.admin.updateTenant({ registration: { tenantId: id, ...validatedAt(id) } });
    for (const side of sides) await eventually(() => seenBy(side, id), HEALTHY);
    stand.validator.set(id, null);
    const asked = stand.validator.count(id);
    const rechecks = Array.from({ length: 5 }, () => stand.other.admin.recheckTenant({ tenantId: id }));
    const question = await stand.validator.asked(id);
    question.answer(404);
    const healths = (await Promise.all(rechecks)).map(({ tenant }) => tenant?.healthReason);
    expect(new Set(healths)).toEqual(new Set(["the address answered 404"]));
    expect(stand.validator.count(id)).toBe(asked + 1);
    for (const side of sides) await eventually(() => seenBy(side, id), "unverified admit_degraded acquired");
  });

  test("another server's recheck may end first, and both agree on what came last", async () => {
    const id = newId();
    stand.validator.set(id, 204);
    // Validated by neither yet.
    await withClient({ url: stand.url }, (client) =>
      client.query("insert into holdfast.tenant (id, validator, validator_url) values ($1, 'http', $2)", [
        id,
        stand.validator.url(id),
      ]),
    );
    for (const side of sides) expect(await seenBy(side, id)).toBe(HEALTHY);
    stand.validator.set(id, null);
    const first = stand.one.admin.recheckTenant({ tenantId: id });
    const ofFirst = await stand.validator.asked(id);
    const second = stand.other.admin.recheckTenant({ tenantId: id });
    const ofSecond = await stand.validator.asked(id);
    ofSecond.answer(404);
    await second;
    ofFirst.answer(404);
    // No, said twice: what the first one found healthy was unverified by then.
    expect((await first).tenant?.healthReason).toBe("the address answered 404");
    for (const side of sides) await eventually(() => seenBy(side, id), "disabled refuse tenant_disabled");
    expect(await audited(id)).toEqual(["health", "health"]);
  });

  test("unregistering it ends the recheck, and the verdict goes nowhere", async () => {
    const id = newId();
    await registered(id);
    const recheck = outcomeOf(stand.other.admin.recheckTenant({ tenantId: id }));
    const question = await stand.validator.asked(id);
    await stand.one.admin.unregisterTenant({ tenantId: id });
    expect(await recheck).toBe("TENANT_NOT_FOUND");
    question.answer(404);
    for (const side of sides) {
      await eventually(() => seenBy(side, id), GONE);
      expect(await listed(side)).not.toContain(id);
    }
    expect(await audited(id)).toEqual(["register", "health", "unregister"]);
  });

  test.each([
    ["has heard of it", true],
    ["has not heard of it", false],
  ])(
    "unregistering it and registering it again keeps the verdict away from the new one: when the server %s",
    async (_, hears) => {
      const id = newId();
      await registered(id);
      // Two seconds or so, until it looks by itself.
      if (!hears) stand.notifications.hold();
      const recheck = outcomeOf(stand.other.admin.recheckTenant({ tenantId: id }));
      const question = await stand.validator.asked(id);
      await stand.one.admin.unregisterTenant({ tenantId: id });
      await stand.one.admin.registerTenant({ registration: { tenantId: id, displayName: "Again" } });
      if (hears) await eventually(async () => (await read(stand.other, id)).registration?.displayName, "Again");
      question.answer(404);
      expect(["TENANT_CHANGED", "TENANT_NOT_FOUND"]).toContain(await recheck);
      stand.notifications.release();
      for (const { records } of sides) {
        const resolve = () => records.resolveTenant({ selector: { case: "tenantId", value: id } });
        await eventually(() => resolve().then(({ displayName }) => displayName, reasonOf), "Again");
      }
      for (const side of sides) expect(await seenBy(side, id)).toBe(HEALTHY);
      expect(await audited(id)).toEqual(["register", "health", "unregister", "register"]);
    },
  );

  test("a registration with a change keeps the verdict away from the new one", async () => {
    const id = newId();
    await registered(id);
    const recheck = outcomeOf(stand.other.admin.recheckTenant({ tenantId: id }));
    const question = await stand.validator.asked(id);
    await stand.one.admin.updateTenant({
      registration: { tenantId: id, displayName: "Changed", ...validatedAt(id) },
    });
    question.answer(404);
    expect(["TENANT_CHANGED", "done"]).toContain(await recheck);
    for (const side of sides) await eventually(() => seenBy(side, id), HEALTHY);
    expect(await audited(id)).toEqual(["register", "health", "update"]);
  });
});

test("those who wait when a tenant is disabled are refused one after the other, and are told of what has ended", async () => {
  const id = newId();
  await registered(id);
  const [freed, ended] = [keyOf(id), keyOf(id)];
  const [ofFreed, ofEnded] = [
    handleOf(await stand.one.records.claim(claimOf(freed))),
    handleOf(await stand.one.records.claim(claimOf(ended))),
  ];
  const waiting = [freed, ended].map((key) =>
    sides.flatMap(({ records }) => [0, 1].map(() => told(records.claim(claimOf(key, { wait: 60 }), LONG)))),
  );
  await untilSumIs(
    sides.map(({ server }) => server),
    CALLS,
    8,
  );
  stand.validator.set(id, 404);
  await stand.other.admin.recheckTenant({ tenantId: id });
  // What the first server was told when it registered the tenant is told again for 30 s.
  const third = await stand.open();
  await third.admin.recheckTenant({ tenantId: id });
  for (const side of sides) await eventually(() => seenBy(side, id), "disabled refuse tenant_disabled");
  await stand.one.records.fail({ handle: ofFreed, kind: FailKind.NOT_STARTED });
  await stand.other.records.complete({ handle: ofEnded, result: { body: { case: "omittedReason", value: "" } } });
  const [toFreed = [], toEnded = []] = waiting;
  expect(await Promise.all(toFreed)).toEqual(Array(4).fill("TENANT_DISABLED"));
  expect(await Promise.all(toEnded)).toEqual(Array(4).fill("completed"));
});

test("unregistering a tenant while its registration waits for the first verdict tells who waits, and leaves nothing", async () => {
  const id = newId();
  const registering = outcomeOf(
    stand.one.admin.registerTenant({
      registration: { tenantId: id, ...validatedAt(id) },
      awaitFirstValidation: true,
    }),
  );
  const question = await stand.validator.asked(id);
  await stand.other.admin.unregisterTenant({ tenantId: id });
  expect(await registering).toBe("TENANT_NOT_FOUND");
  question.answer(204);
  for (const side of sides) expect(await seenBy(side, id)).toBe(GONE);
  expect(await audited(id)).toEqual(["register", "unregister"]);
});

test("of several who register one host at once through both servers one wins, and the others are told the host", async () => {
  const host = "wanted.example";
  const ids = Array.from({ length: 8 }, newId);
  const registering = ids.map((id, i) =>
    (sides[i % 2] as Side).admin.registerTenant({ registration: { tenantId: id, hosts: [{ host }] } }),
  );
  const settled = await Promise.allSettled(registering);
  const winners = ids.filter((_, i) => settled[i]?.status === "fulfilled");
  expect(winners).toHaveLength(1);
  for (const each of settled) {
    if (each.status === "fulfilled") continue;
    expect(reasonOf(each.reason)).toBe("HOST_TAKEN");
    expect(String(each.reason)).toContain(host);
  }
  for (const side of sides) await eventually(() => ownerOf(side, host), winners[0] ?? "");
  const there = await listed(stand.one);
  expect(ids.filter((id) => there.includes(id))).toEqual(winners);
});

test("unregistering one tenant leaves the host to another one that shares it", async () => {
  const [one, other] = [newId(), newId()];
  const host = "shared.example";
  for (const [id, path] of [
    [one, "/one"],
    [other, "/other"],
  ] as const) {
    await stand.one.admin.registerTenant({ registration: { tenantId: id, hosts: [{ host, path }] } });
  }
  for (const side of sides) await eventually(() => ownerOf(side, host, "/one/x"), one);
  await stand.one.admin.unregisterTenant({ tenantId: one });
  for (const side of sides) {
    await eventually(() => ownerOf(side, host, "/one/x"), "TENANT_NOT_FOUND");
    expect(await ownerOf(side, host, "/other/x")).toBe(other);
  }
});

test("an eager tenant is built on every server without a call, and goes on when it becomes lazy", async () => {
  const id = newId();
  await stand.one.admin.registerTenant({ registration: { tenantId: id } });
  for (const side of sides) expect(await runtimeOf(side, id)).toBe("COLD");
  const update = (build: TenantBuild) => stand.one.admin.updateTenant({ registration: { tenantId: id, build } });
  await update(TenantBuild.EAGER);
  for (const side of sides) await eventually(() => runtimeOf(side, id), "BUILT");
  await update(TenantBuild.LAZY);
  for (const side of sides) expect(await seenBy(side, id)).toBe(HEALTHY);
});

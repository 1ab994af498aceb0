import { exportJWK, generateKeyPair } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withClient } from "../../../src/store/postgres/connection.ts";
import { cellsOf } from "../../support/table.ts";
import {
  beginWork,
  eventually,
  GOES_ON,
  goOn,
  healthReason,
  openStand,
  outcomeOf,
  read,
  recordedBy,
  runtimeOf,
  type Side,
  type Stand,
  seenBy,
  type Work,
} from "./stand.ts";
import type { Answer } from "./validator.ts";

type Health = "pending" | "healthy" | "unverified" | "disabled";

/** What a health, or what else becomes of a tenant, looks like through a server. */
const SEEN: Readonly<Record<string, string>> = {
  pending: "pending retry_later tenant_pending",
  healthy: "healthy admit acquired",
  unverified: "unverified admit_degraded acquired",
  disabled: "disabled refuse tenant_disabled",
  "pending, draining": "pending retry_later tenant_pending",
  "healthy, draining": "healthy refuse tenant_draining",
  "unverified, draining": "unverified refuse tenant_draining",
  "disabled, draining": "disabled refuse tenant_disabled",
  gone: "tenant_not_found tenant_not_found",
};

let stand: Stand;
/** A third server: a URL is asked once in 30 s by one server, and some healths are reached with two answers. */
let third: Side;

beforeAll(async () => {
  stand = await openStand({ euIsKnown: false });
  third = await stand.open();
});
afterAll(() => stand?.[Symbol.asyncDispose]());

interface Scene {
  readonly id: string;
  readonly work: Work;
}

let count = 0;

/** A tenant with work under way, brought to this health by what its validator said. The second server has not seen it. */
async function reach(health: Health, placement = ""): Promise<Scene> {
  const { one, validator } = stand;
  const id = `${health}-${++count}`;
  await one.admin.registerTenant({ registration: { tenantId: id, placement } });
  const work = await beginWork(one, id);
  await one.admin.unregisterTenant({ tenantId: id });
  validator.set(id, { pending: 500, healthy: 204, unverified: 204, disabled: 403 }[health]);
  await one.admin.registerTenant({
    registration: { tenantId: id, placement, validator: { kind: { case: "httpUrl", value: validator.url(id) } } },
    awaitFirstValidation: true,
  });
  if (health === "unverified") {
    validator.set(id, 403);
    await third.admin.recheckTenant({ tenantId: id });
  }
  return { id, work };
}

async function seenByBoth(id: string, expected: string): Promise<void> {
  for (const side of [stand.one, stand.other]) {
    await eventually(() => seenBy(side, id), SEEN[expected]);
    expect(SEEN[expected], "as an operator reads it").toContain(await recordedBy(side, id));
  }
}

async function reasonOnBoth(id: string, reason: string): Promise<void> {
  for (const side of [stand.one, stand.other]) await eventually(() => healthReason(side, id), reason);
}

async function goesOn({ work }: Scene, expected = GOES_ON): Promise<void> {
  expect(await goOn([stand.one, stand.other], work)).toEqual([...expected, ...expected]);
}

const VERDICTS = `
  health     | accepts | refuses    | is broken  | is silent  | hangs up
  pending    | healthy | disabled   | pending    | pending    | pending
  healthy    | healthy | unverified | unverified | unverified | unverified
  unverified | healthy | disabled   | unverified | unverified | unverified
  disabled   | healthy | disabled   | disabled   | disabled   | disabled
`;

const ANSWERS: Readonly<Record<string, { readonly answer: Answer; readonly reason: string }>> = {
  accepts: { answer: 204, reason: "" },
  refuses: { answer: 404, reason: "the address answered 404" },
  "is broken": { answer: 503, reason: "the address answered 503" },
  "is silent": { answer: "silence", reason: "the address did not answer in time" },
  "hangs up": { answer: "hang-up", reason: "the connection failed" },
};

describe("a validator", () => {
  test.concurrent.each(cellsOf(VERDICTS))(
    "that $column makes of a $row tenant one that is $expected on both servers, and what it has under way goes on",
    async ({ row, column, expected }) => {
      const scene = await reach(row as Health);
      const { id } = scene;
      await seenByBoth(id, row);
      const { answer, reason } = ANSWERS[column] ?? { answer: 500, reason: "bug: no such answer" };
      stand.validator.set(id, answer);
      // A pending tenant's validator was asked by both when they were first called.
      const asking = row === "pending" ? third : stand.other;
      const { tenant } = await asking.admin.recheckTenant({ tenantId: id });
      await seenByBoth(id, expected);
      // Each server asks for a first good verdict by itself, and of a tenant that is still pending the last one says why.
      if (expected !== "pending") await reasonOnBoth(id, reason);
      expect(tenant).toMatchObject({ healthReason: reason, health: (await read(stand.one, id)).health });
      await goesOn(scene);
    },
  );

  test("of key sets accepts a usable one and refuses any other", async () => {
    const id = "keys";
    const { one, other, validator } = stand;
    const { publicKey } = await generateKeyPair("ES256");
    validator.set(id, {
      body: JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "1", alg: "ES256" }] }),
    });
    await one.admin.registerTenant({
      registration: { tenantId: id, validator: { kind: { case: "jwksUrl", value: validator.url(id) } } },
      awaitFirstValidation: true,
    });
    await seenByBoth(id, "healthy");
    validator.set(id, { body: JSON.stringify({ keys: [] }) });
    await other.admin.recheckTenant({ tenantId: id });
    await seenByBoth(id, "unverified");
    validator.set(id, { body: "no key set" });
    await third.admin.recheckTenant({ tenantId: id });
    await seenByBoth(id, "disabled");
    expect(await healthReason(one, id)).not.toContain("no key set");
  });

  test("that nobody can connect to has said nothing, whatever the tenant's health", async () => {
    const scenes = await Promise.all((["pending", "healthy", "unverified", "disabled"] as const).map((h) => reach(h)));
    await stand.validator.refuse();
    try {
      const expected = ["pending", "unverified", "unverified", "disabled"];
      await Promise.all(scenes.map(({ id }) => stand.other.admin.recheckTenant({ tenantId: id })));
      for (const [i, scene] of scenes.entries()) {
        await seenByBoth(scene.id, expected[i] ?? "");
        if (expected[i] !== "pending") await reasonOnBoth(scene.id, "the connection failed");
        await goesOn(scene);
      }
    } finally {
      await stand.validator.listen();
    }
  });
});

const OPERATORS = `
  health     | changed    | validator that agrees | validator that refuses | validator that cannot tell | drained              | resumed    | unregistered | rechecked unbuilt
  pending    | pending    | healthy               | pending                | pending                    | pending, draining    | pending    | gone         | healthy
  healthy    | healthy    | healthy               | healthy                | healthy                    | healthy, draining    | healthy    | gone         | healthy
  unverified | unverified | healthy               | unverified             | unverified                 | unverified, draining | unverified | gone         | healthy
  disabled   | disabled   | healthy               | disabled               | disabled                   | disabled, draining   | disabled   | gone         | healthy
`;

/** The registration with another name, and with another validator that answers so; how that was taken. */
async function update({ id }: Scene, answer: Answer | null): Promise<string> {
  const { other, validator } = stand;
  const { registration } = await read(other, id);
  const path = answer === null ? id : `${id}-new`;
  validator.set(`${id}-new`, answer);
  return outcomeOf(
    other.admin.updateTenant({
      registration: {
        ...{ tenantId: id, placement: registration?.placement ?? "", displayName: "Another" },
        validator: { kind: { case: "httpUrl", value: validator.url(path) } },
      },
    }),
  );
}

/** What an operator does through the second server. */
const ACTIONS: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  changed: async (scene) => {
    const { generation } = await read(stand.one, scene.id);
    expect(await update(scene, null)).toBe("done");
    await isNamed(scene, "Another", generation);
  },
  "validator that agrees": async (scene) => {
    const { generation } = await read(stand.one, scene.id);
    expect(await update(scene, 204)).toBe("done");
    await isNamed(scene, "Another", generation);
  },
  "validator that refuses": async (scene) => {
    expect(await update(scene, 404)).toBe("VALIDATION_REFUSED");
    expect((await read(stand.other, scene.id)).registration?.displayName).toBe("");
  },
  "validator that cannot tell": async (scene) => {
    expect(await update(scene, 503)).toBe("VALIDATION_UNCERTAIN");
    expect((await read(stand.other, scene.id)).registration?.displayName).toBe("");
  },
  drained: ({ id }) => stand.other.admin.drainTenant({ tenantId: id }),
  resumed: async ({ id }) => {
    await stand.other.admin.drainTenant({ tenantId: id });
    await eventually(async () => (await read(stand.one, id)).draining, true);
    await stand.other.admin.drainTenant({ tenantId: id, resume: true });
  },
  unregistered: ({ id }) => stand.other.admin.unregisterTenant({ tenantId: id }),
  "rechecked unbuilt": async ({ id }) => {
    stand.validator.set(id, 204);
    expect(await runtimeOf(stand.other, id)).toBe("COLD");
    await stand.other.admin.recheckTenant({ tenantId: id });
    expect(await runtimeOf(stand.other, id)).toBe("BUILT");
  },
};

/** Both servers serve the new registration. */
async function isNamed({ id }: Scene, name: string, before: bigint): Promise<void> {
  for (const { records } of [stand.one, stand.other]) {
    const resolve = () => records.resolveTenant({ selector: { case: "tenantId", value: id } });
    await eventually(async () => (await resolve()).displayName, name);
    expect((await resolve()).generation).toBeGreaterThan(before);
  }
}

describe("an operator", () => {
  test.concurrent.each(cellsOf(OPERATORS))(
    "who has a $row tenant $column finds it $expected on both servers",
    async ({ row, column, expected }) => {
      const scene = await reach(row as Health);
      if (column !== "rechecked unbuilt") await seenByBoth(scene.id, row);
      await ACTIONS[column]?.(scene);
      await seenByBoth(scene.id, expected);
      await goesOn(scene, expected === "gone" ? Array(4).fill("TENANT_NOT_FOUND") : GOES_ON);
    },
  );
});

describe("a server that cannot build a tenant", () => {
  const failures = (id: string) =>
    stand.other.server.lines.filter(
      ({ message, tenant }) => message === "a tenant could not be built" && tenant === id,
    );

  test.concurrent.each(["pending", "healthy", "unverified", "disabled"] as const)(
    "has a %s one disabled, and no other server has",
    async (health) => {
      const { one, other } = stand;
      const { id, work } = await reach(health, "eu");
      await eventually(() => seenBy(one, id), SEEN[health]);
      for (let call = 0; call < 3; call++) expect(await seenBy(other, id)).toBe(SEEN["disabled"]);
      expect(await healthReason(other, id)).toBe("the placement eu is not configured on this server");
      await eventually(async () => failures(id).length, 1);
      expect(await runtimeOf(other, id)).toBe("FAILED");
      expect(await recordedBy(other, id)).toBe("disabled refuse");
      expect(SEEN[health]).toContain(await recordedBy(one, id));

      // Tried again by a recheck, and when it is registered with a change.
      await other.admin.recheckTenant({ tenantId: id });
      await eventually(async () => failures(id).length, 2);
      await one.admin.updateTenant({ registration: { tenantId: id, placement: "eu" } });
      const failuresSoFar = async () => {
        await seenBy(other, id);
        return failures(id).length;
      };
      await eventually(failuresSoFar, 3);
      expect(await seenBy(other, id)).toBe(SEEN["disabled"]);
      expect(await seenBy(one, id)).toBe(SEEN["healthy"]);

      const refused = ["STORE_UNAVAILABLE", "TENANT_DISABLED", "STORE_UNAVAILABLE", "TENANT_DISABLED"];
      expect(await goOn([other], work)).toEqual(refused);
      expect(await goOn([one], work)).toEqual(GOES_ON);
    },
  );
});

test("every change of health is in the audit log once, with what it was and became", async () => {
  const { id } = await reach("unverified");
  const { other, url, validator } = stand;
  validator.set(id, 404);
  await other.admin.recheckTenant({ tenantId: id });
  const rows = await withClient({ url }, async (client) => {
    const { rows: all } = await client.query<{ change: string }>(
      `select (detail ->> 'from') || ' ' || (detail ->> 'event') || ' ' || (detail ->> 'to') as change
       from holdfast.audit where subject = $1 and action = 'health' order by sequence`,
      [id],
    );
    return all.map(({ change }) => change);
  });
  expect(rows).toEqual(["pending accepted healthy", "healthy refused unverified", "unverified refused disabled"]);
});

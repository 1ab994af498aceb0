import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TenantRegistration } from "../../../gen/holdfast/v1/admin_pb.ts";
import { claimOf } from "../waiting-calls.ts";
import { eventually, keyOf, openStand, ownerOf, reasonOf, type Side, type Stand, seenBy, told } from "./stand.ts";

let stand: Stand;
let sides: readonly [Side, Side];

beforeAll(async () => {
  stand = await openStand({ euIsKnown: true });
  sides = [stand.one, stand.other];
});
afterAll(() => stand?.[Symbol.asyncDispose]());

const HEALTHY = "healthy admit acquired";

describe("a change on one server", () => {
  /** How long it took the second server to see it, in ms. */
  async function seenAfter(id: string, draining: boolean): Promise<number> {
    const startedMs = performance.now();
    await stand.one.admin.drainTenant({ tenantId: id, resume: !draining });
    await eventually(() => seenBy(stand.other, id), draining ? "healthy refuse tenant_draining" : HEALTHY);
    return performance.now() - startedMs;
  }

  test("is seen by another one, whether or not notifications arrive", async ({ annotate }) => {
    const id = "followed";
    await stand.one.admin.registerTenant({ registration: { tenantId: id } });
    expect(await seenBy(stand.other, id)).toBe(HEALTHY);

    // Limits for machines that stall: what is promised is a second, and five without notifications.
    const notifiedMs = await seenAfter(id, true);
    expect(notifiedMs).toBeLessThan(5_000);

    // Accepted by the network, and lost.
    stand.notifications.hold();
    const silentMs = await seenAfter(id, false);
    expect(silentMs).toBeLessThan(15_000);

    stand.notifications.release();
    await stand.notifications.refuse();
    stand.notifications.cut();
    await stand.other.server.logged("notifications of changed tenants do not arrive: changes are polled for");
    const polledMs = await seenAfter(id, true);
    expect(polledMs).toBeLessThan(15_000);

    await stand.notifications.accept();
    await stand.other.server.logged("notifications of changed tenants arrive again");
    const againMs = await seenAfter(id, false);
    expect(againMs).toBeLessThan(5_000);
    const told = [notifiedMs, silentMs, polledMs, againMs].map((ms) => `${Math.round(ms)} ms`);
    await annotate(
      `seen after ${told[0]} with notifications, ${told[1]} and ${told[2]} without, ${told[3]} with them again`,
    );
  });
});

test("callers of both servers see no gap while hosts, limits, name and validator change", async () => {
  const { validator } = stand;
  const id = "busy";
  type Change = Partial<Pick<TenantRegistration, "displayName">> & { readonly leases?: number; readonly path?: string };
  const registrationOf = (version: number, { path = "busy", leases = 0, ...rest }: Change = {}) => ({
    ...{ tenantId: id, hosts: [{ host: `v${version}.busy.example` }], limits: { leases }, ...rest },
    validator: { kind: { case: "httpUrl" as const, value: validator.url(path) } },
  });
  validator.set("busy", 204);
  await stand.one.admin.registerTenant({ registration: registrationOf(0), awaitFirstValidation: true });
  for (const side of sides) await eventually(() => seenBy(side, id), HEALTHY);

  let isOver = false;
  const answers = new Map<string, number>();
  const count = (answer: string) => void answers.set(answer, (answers.get(answer) ?? 0) + 1);
  const caller = async ({ records }: Side) => {
    while (!isOver) count(await told(records.claim(claimOf(keyOf(id)))));
  };
  const looker = async (side: Side) => {
    while (!isOver) count((await seenBy(side, id)) === HEALTHY ? "acquired" : await seenBy(side, id));
  };
  const callers = sides.flatMap((side) => [caller(side), caller(side), looker(side)]);

  const update = (version: number, change?: Change) =>
    (sides[version % 2] as Side).admin.updateTenant({ registration: registrationOf(version, change) });
  const seenAs = async (version: number) => {
    for (const side of sides) await eventually(() => ownerOf(side, `v${version}.busy.example`), id);
  };
  await update(1, { displayName: "Busy" });
  await seenAs(1);
  await update(2, { leases: 1_000_000 });
  await seenAs(2);
  // The old one serves while the new validator thinks about it.
  const updating = update(3, { path: "slow" });
  const question = await validator.asked("slow");
  const before = answers.get("acquired") ?? 0;
  await eventually(async () => (answers.get("acquired") ?? 0) > before + 10, true);
  await seenAs(2);
  question.answer(204);
  await updating;
  await seenAs(3);
  // One after the other, seen or not.
  for (let version = 4; version < 10; version++) await update(version, { path: "slow", leases: 1_000_000 + version });
  await seenAs(9);
  isOver = true;
  await Promise.all(callers);
  expect([...answers.keys()]).toEqual(["acquired"]);
  for (const side of sides) expect(await ownerOf(side, "v3.busy.example")).toBe("TENANT_NOT_FOUND");
});

describe("a tenant that moves to another host", () => {
  const moved = ["TENANT_NOT_FOUND", "mover"];
  let moves = 0;
  const hostOf = (move: number) => `h${move}.mover.example`;
  const moveTo = (side: Side, move: number) =>
    side.admin.updateTenant({ registration: { tenantId: "mover", hosts: [{ host: hostOf(move) }] } });

  beforeAll(async () => {
    await stand.one.admin.registerTenant({ registration: { tenantId: "mover", hosts: [{ host: hostOf(0) }] } });
    for (const side of sides) await eventually(() => ownerOf(side, hostOf(0)), "mover");
  });

  test("has moved where the operator is answered, and is at any time found under one of the two elsewhere", async () => {
    /** Looks until the move is seen. What is asked later is answered from a later state. */
    const watch = async (side: Side, from: number) => {
      for (;;) {
        if ((await ownerOf(side, hostOf(from))) !== "mover") {
          expect(await ownerOf(side, hostOf(from + 1)), "not under the old one, so under the new one").toBe("mover");
        }
        if ((await ownerOf(side, hostOf(from + 1))) !== "mover") continue;
        expect(await ownerOf(side, hostOf(from)), "under the new one, so not under the old one").toBe(moved[0]);
        return;
      }
    };
    for (let move = 1; move <= 8; move++) {
      const [mover, other] = move % 2 === 0 ? sides : sides.toReversed();
      if (mover === undefined || other === undefined) throw new Error("bug: no two servers");
      const watching = Promise.all([watch(mover, moves), watch(other, moves)]);
      const moving = moveTo(mover, move).then(async () =>
        expect([await ownerOf(mover, hostOf(move - 1)), await ownerOf(mover, hostOf(move))]).toEqual(moved),
      );
      await Promise.all([watching, moving]);
      moves = move;
    }
  });

  test.each([
    ["under the new host before, as nobody's", 1],
    ["under the old host before, as the tenant's", 0],
  ])("is found under one of the two by a server that has not heard of it, asked %s", async (_, asked) => {
    const { one, other, notifications } = stand;
    const [old, fresh] = [hostOf(moves), hostOf(moves + 1)];
    // Both servers have heard of everything so far: what is remembered from here on is not forgotten for that.
    for (const side of sides) await eventually(() => ownerOf(side, old), "mover");
    notifications.hold();
    await ownerOf(other, asked === 1 ? fresh : old);
    await moveTo(one, ++moves);
    const first = asked === 1 ? old : fresh;
    const seen = new Map([[first, await ownerOf(other, first)]]);
    const second = asked === 1 ? fresh : old;
    seen.set(second, await ownerOf(other, second));
    notifications.release();
    // Or nothing of it yet: then the old one still holds whole.
    expect([moved, ["mover", "TENANT_NOT_FOUND"]]).toContainEqual([seen.get(old), seen.get(fresh)]);
    for (const side of sides) await eventually(() => ownerOf(side, fresh), "mover");
  });
});

test("a host that goes from one tenant to another is at any time somebody's or nobody's, and in the end the other's", async () => {
  const host = "passed-on.example";
  const [giver, taker] = ["giver", "taker"];
  await stand.one.admin.registerTenant({ registration: { tenantId: giver, hosts: [{ host }] } });
  await stand.one.admin.registerTenant({ registration: { tenantId: taker } });
  for (const side of sides) await eventually(() => ownerOf(side, host), giver);
  const take = (side: Side) =>
    side.admin.updateTenant({ registration: { tenantId: taker, hosts: [{ host }] } }).then(() => "done", reasonOf);
  expect(await take(stand.other)).toBe("HOST_TAKEN");
  await stand.one.admin.updateTenant({ registration: { tenantId: giver } });
  expect(await take(stand.other)).toBe("done");
  for (const side of sides) await eventually(() => ownerOf(side, host), taker);
  // Looked up again and again it stays with the new one: nothing older is told any more.
  for (const side of sides) for (let look = 0; look < 20; look++) expect(await ownerOf(side, host)).toBe(taker);
});

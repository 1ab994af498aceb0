import { expect, test } from "vitest";
import type { TenantSelector } from "../../../../src/domain/tenant.ts";
import { createEditions } from "../../../../src/tenants/service/editions.ts";
import { createLookups } from "../../../../src/tenants/service/lookups.ts";
import { createNames } from "../../../../src/tenants/service/names.ts";
import type { FoundName } from "../../../../src/tenants/table.ts";
import { createManualClock } from "../../store/manual-clock.ts";

/** Names whose questions are answered one by one, by hand. */
function scene({ namesMax = 100, lookupsPerSecond = 1, lookupsBurst = 100 } = {}) {
  const clock = createManualClock();
  const asked: PromiseWithResolvers<FoundName>[] = [];
  const editions = createEditions();
  const names = createNames({
    editions,
    find() {
      const answer = Promise.withResolvers<FoundName>();
      asked.push(answer);
      return answer.promise;
    },
    lookups: createLookups(clock, { lookupsPerSecond, lookupsBurst }),
    namesMax,
  });
  const find = async (selector: TenantSelector, id: string | null, version = 1n) => {
    const answer = names.find(selector);
    asked.at(-1)?.resolve(found(id, version));
    return answer;
  };
  return { clock, names, asked, find, editions };
}

const found = (id: string | null, names = 1n): FoundName => ({ id, names, subjects: "one" });
const host = (name: string, path = ""): TenantSelector => ({ kind: "host", host: name, path });

test("what is somebody's and what is nobody's is asked once, and remembered for as long", async () => {
  const { names, asked, find, clock } = scene();
  await find(host("a"), "acme");
  await find(host("b"), null);
  await clock.advance(1_000_000);
  expect(await names.find(host("a"))).toBe("acme");
  expect(await names.find(host("b"))).toBeNull();
  expect(asked.length).toBe(2);
});

test("an answer whose question was asked before a change is not remembered, nor told to those who ask afterwards", async () => {
  const { names, asked, editions } = scene();
  const before = names.find(host("a"));
  editions.turn();
  const after = names.find(host("a"));
  expect(asked.length).toBe(2);
  asked[1]?.resolve(found("new"));
  expect(await after).toBe("new");
  asked[0]?.resolve(found("old"));
  expect(await before).toBe("old");
  expect(await names.find(host("a"))).toBe("new");
});

test("who is told of a change is not told afterwards what was before it, though no news of it came", async () => {
  const { asked, find } = scene();
  await find(host("new"), null, 1n);
  expect(await find(host("old"), null, 2n)).toBeNull();
  expect(await find(host("new"), "acme", 2n)).toBe("acme");
  expect(asked.length).toBe(3);
});

test("an answer that is older than what is known is told to who asked for it, and not remembered", async () => {
  const { names, asked, find } = scene();
  const late = names.find(host("a"));
  await find(host("b"), "acme", 2n);
  asked[0]?.resolve(found("old"));
  expect(await late).toBe("old");
  expect(await find(host("a"), "new", 2n)).toBe("new");
  expect(await names.find(host("b"))).toBe("acme");
});

test("who asks after a change was told joins no answer from before it, nor asks again for one from after it", async () => {
  const { names, asked, find } = scene();
  const early = names.find(host("a"));
  const late = names.find(host("b"));
  await find(host("told"), "acme", 2n);
  const [joinedEarly, joinedLate] = [names.find(host("a")), names.find(host("b"))];
  expect(asked.length).toBe(3);
  asked[0]?.resolve(found("old", 1n));
  asked[1]?.resolve(found("new", 2n));
  expect([await early, await late, await joinedLate]).toEqual(["old", "new", "new"]);
  expect(asked.length).toBe(4);
  asked[3]?.resolve(found("new", 2n));
  expect(await joinedEarly).toBe("new");
  for (const name of ["a", "b"]) expect(await names.find(host(name))).toBe("new");
  expect(asked.length).toBe(4);
});

test("the first answer after news takes nothing from the others that are under way: all are remembered", async () => {
  const { names, asked, editions } = scene();
  editions.turn();
  const answers = ["a", "b", "c"].map((name) => names.find(host(name)));
  for (const question of asked) question.resolve(found("acme", 5n));
  expect(await Promise.all(answers)).toEqual(["acme", "acme", "acme"]);
  for (const name of ["a", "b", "c"]) expect(await names.find(host(name))).toBe("acme");
  expect(asked.length).toBe(3);
});

test("after news, what was asked for lately is asked again and costs nothing, whether it was somebody's or not", async () => {
  const { asked, find, editions } = scene({ lookupsBurst: 2 });
  await find(host("a"), "acme");
  await find(host("b"), null);
  for (const version of [2n, 3n, 4n]) {
    editions.turn();
    expect(await find(host("a"), null, version)).toBeNull();
    expect(await find(host("b"), "acme", version)).toBe("acme");
  }
  expect(asked.length).toBe(8);
  await expect(find(host("c"), "acme")).rejects.toMatchObject({ code: "OVERLOADED" });
});

test("an answer that came too late to be remembered was paid for all the same", async () => {
  const { names, asked, find, editions } = scene({ lookupsBurst: 1 });
  const late = names.find(host("a"));
  editions.turn();
  asked[0]?.resolve(found("old"));
  expect(await late).toBe("old");
  expect(await find(host("a"), "new")).toBe("new");
  expect(await names.find(host("a"))).toBe("new");
});

test("after news, a database that was set back is believed", async () => {
  const { names, find, editions } = scene();
  await find(host("a"), "acme", 7n);
  editions.turn();
  await find(host("a"), "other", 3n);
  expect(await names.find(host("a"))).toBe("other");
});

test("an error is told to all who asked, and not remembered", async () => {
  const { names, asked, find } = scene();
  const answers = [names.find(host("a")), names.find(host("a"))];
  asked[0]?.reject(new Error("away"));
  for (const answer of answers) await expect(answer).rejects.toThrow("away");
  expect(asked.length).toBe(1);
  expect(await find(host("a"), "acme")).toBe("acme");
});

const DIFFERENT: readonly (readonly [TenantSelector, TenantSelector])[] = [
  [host("a", "/b"), host("a", "/c")],
  [host("a/b"), host("a", "/b")],
  [
    { kind: "issuer", issuer: "a", subject: "bc" },
    { kind: "issuer", issuer: "ab", subject: "c" },
  ],
  [{ kind: "id", id: "a" }, host("a")],
];

test.each(DIFFERENT)("%j and %j are two names", async (one, other) => {
  const { find } = scene();
  expect(await find(one, "one")).toBe("one");
  expect(await find(other, "other")).toBe("other");
  expect(await find(one, "changed")).toBe("one");
});

test("paths that differ in what nobody can register are one name", async () => {
  const { names, asked, find } = scene();
  await find(host("a", "/b"), "acme");
  for (const path of ["/b/", "/b?c", "/b#d", "b"]) expect(await names.find(host("a", path))).toBe("acme");
  expect(asked.length).toBe(1);
});

test("what was asked for longest ago makes room, whether it is somebody's or not", async () => {
  const { asked, find } = scene({ namesMax: 2 });
  await find(host("a"), "acme");
  await find(host("b"), null);
  await find(host("c"), "other");
  expect(await find(host("c"), "?")).toBe("other");
  expect(await find(host("b"), "?")).toBeNull();
  expect(asked.length).toBe(3);
  expect(await find(host("a"), "again")).toBe("again");
  expect(asked.length).toBe(4);
});

test("found or not, a question costs the same, and beyond the rate it is refused until there is room", async () => {
  const { clock, asked, find } = scene({ lookupsBurst: 2 });
  await find(host("a"), "acme");
  await find(host("b"), null);
  await expect(find(host("c"), "acme")).rejects.toMatchObject({ code: "OVERLOADED", retryAfterMs: 1_000 });
  expect(asked.length).toBe(2);
  expect(await find(host("a"), null)).toBe("acme");
  await clock.advance(1_000);
  expect(await find(host("c"), "acme")).toBe("acme");
});

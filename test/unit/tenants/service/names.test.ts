import { expect, test } from "vitest";
import type { TenantSelector } from "../../../../src/domain/tenant.ts";
import { createLookups } from "../../../../src/tenants/service/lookups.ts";
import { createNames } from "../../../../src/tenants/service/names.ts";
import type { FoundName } from "../../../../src/tenants/table.ts";
import { createManualClock } from "../../store/manual-clock.ts";

/** Names whose questions are answered one by one, by hand. */
function scene({ namesMax = 100, lookupsPerSecond = 1, lookupsBurst = 100 } = {}) {
  const clock = createManualClock();
  const asked: PromiseWithResolvers<FoundName>[] = [];
  const names = createNames({
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
    asked.at(-1)?.resolve({ id, names: version });
    return answer;
  };
  return { clock, names, asked, find };
}

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
  const { names, asked } = scene();
  const before = names.find(host("a"));
  names.clear();
  const after = names.find(host("a"));
  expect(asked.length).toBe(2);
  asked[1]?.resolve({ id: "new", names: 1n });
  expect(await after).toBe("new");
  asked[0]?.resolve({ id: "old", names: 1n });
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
  asked[0]?.resolve({ id: "old", names: 1n });
  expect(await late).toBe("old");
  expect(await find(host("a"), "new", 2n)).toBe("new");
  expect(await names.find(host("b"))).toBe("acme");
});

test("after news, a database that was set back is believed", async () => {
  const { names, find } = scene();
  await find(host("a"), "acme", 7n);
  names.clear();
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

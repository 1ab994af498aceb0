import { expect, test } from "vitest";
import { createEditions } from "../../../../src/tenants/service/editions.ts";
import { createIssuers, type IssuerSelector } from "../../../../src/tenants/service/issuers.ts";
import { createLookups } from "../../../../src/tenants/service/lookups.ts";
import type { FoundName } from "../../../../src/tenants/table.ts";
import { createManualClock } from "../../store/manual-clock.ts";

/** By issuer and subject, as they are registered; without subject: for every one that is not. */
type Rows = Record<string, Record<string, string>>;

/** The names of a table that can be changed, each of whose answers waits for its turn. */
function scene(rows: Rows, limits: { namesMax?: number; lookupsBurst?: number; readingMax?: number } = {}) {
  const { namesMax = 100, lookupsBurst = 100, readingMax = 1_000 } = limits;
  const clock = createManualClock();
  const editions = createEditions();
  const asked: IssuerSelector[] = [];
  let names = 1n;

  const found = ({ issuer, subject }: IssuerSelector): FoundName => {
    const own = rows[issuer] ?? {};
    const isDivided = Object.keys(own).some((named) => named !== "");
    const isNamed = subject !== "" && own[subject] !== undefined;
    const id = own[subject] ?? own[""] ?? null;
    return { id, names, subjects: isNamed ? "one" : isDivided ? "unnamed" : "all" };
  };
  const issuers = createIssuers({
    async find(selector) {
      asked.push(selector);
      return found(selector);
    },
    editions,
    lookups: createLookups(clock, { lookupsPerSecond: 1, lookupsBurst }),
    limits: { namesMax, readingMax },
  });
  return {
    ...{ clock, issuers, asked },
    /** Somebody changes names, and news of it arrive. */
    change(change: Rows) {
      Object.assign(rows, change);
      names++;
      editions.turn();
    },
  };
}

const some = (count: number, name: string) => Array.from({ length: count }, (_, index) => `${name}-${index}`);
const OVERLOADED = { code: "OVERLOADED", retryAfterMs: expect.any(Number) };

test("an issuer whose subjects nobody names is asked for once, however many they are and however they come", async () => {
  const { issuers, asked } = scene({ idp: { "": "acme" } }, { lookupsBurst: 1 });
  const atOnce = await Promise.all(some(15_000, "user").map((subject) => issuers.find("idp", subject)));
  expect(new Set(atOnce)).toEqual(new Set(["acme"]));
  for (const subject of some(100, "other")) expect(await issuers.find("idp", subject)).toBe("acme");
  expect(asked.length).toBe(1);
});

test("after anybody's change of names nobody is refused, and each issuer is asked for once again", async () => {
  const { issuers, asked, change } = scene({ idp: { "": "acme" } }, { lookupsBurst: 1 });
  for (let changes = 1; changes <= 20; changes++) {
    change({ [`somebody-${changes}`]: { "": "other" } });
    const found = await Promise.all(some(1_000, "user").map((subject) => issuers.find("idp", subject)));
    expect(new Set(found)).toEqual(new Set(["acme"]));
    expect(asked.length).toBe(changes);
  }
});

test("a subject that is named is its own tenant's, and the others fall to whoever has them all", async () => {
  const { issuers, asked } = scene({ idp: { "": "acme", robot: "robots" }, divided: { one: "a", two: "b" } });
  const expected: readonly (readonly [issuer: string, subject: string, id: string | null])[] = [
    ...([
      ["idp", "user", "acme"],
      ["idp", "robot", "robots"],
      ["idp", "", "acme"],
    ] as const),
    ...([
      ["divided", "one", "a"],
      ["divided", "two", "b"],
      ["divided", "three", null],
    ] as const),
    ...([
      ["id", "probot", null],
      ["idp".repeat(100), "user", null],
      ["idp", "x".repeat(256), "acme"],
    ] as const),
  ];
  for (let time = 0; time < 2; time++) {
    for (const [issuer, subject, id] of expected) expect(await issuers.find(issuer, subject), subject).toBe(id);
    for (const [issuer, subject, id] of expected.toReversed()) expect(await issuers.find(issuer, subject)).toBe(id);
  }
  // The first subject of an issuer answers for itself as well. One that is too long to be named is as the empty one.
  expect(asked.length).toBe(7);
});

test("an issuer that is divided, or no longer, is found as it is after the change", async () => {
  const { issuers, change } = scene({ idp: { "": "acme" } });
  expect(await issuers.find("idp", "robot")).toBe("acme");
  change({ idp: { "": "acme", robot: "robots" } });
  expect(await Promise.all(["robot", "user"].map((subject) => issuers.find("idp", subject)))).toEqual([
    "robots",
    "acme",
  ]);
  change({ idp: { "": "other" } });
  expect(await issuers.find("idp", "robot")).toBe("other");
  change({ idp: {} });
  expect(await issuers.find("idp", "user")).toBeNull();
});

test("what is nobody's is remembered, paid for with each question, and beyond the rate refused until there is room", async () => {
  const { clock, issuers, asked, change } = scene({}, { lookupsBurst: 2 });
  for (let time = 0; time < 3; time++)
    for (const issuer of ["a", "b"]) expect(await issuers.find(issuer, "s")).toBeNull();
  expect(asked.length).toBe(2);
  change({});
  for (const issuer of ["a", "c"]) await expect(issuers.find(issuer, "s")).rejects.toMatchObject(OVERLOADED);
  await clock.advance(1_000);
  expect(await issuers.find("a", "s")).toBeNull();
  await expect(issuers.find("c", "s")).rejects.toMatchObject(OVERLOADED);
});

test("whatever is thought up, issuers that were found once are found after every change of names", async () => {
  const rows: Rows = { idp: { "": "acme" }, divided: { robot: "robots", "": "all" } };
  const { clock, issuers, change } = scene(rows, { lookupsBurst: 5, namesMax: 4 });
  const own = async () => [await issuers.find("idp", "anybody"), await issuers.find("divided", "robot")];
  await own();
  for (let time = 0; time < 5; time++) {
    for (const issuer of some(50, `junk-${time}`)) await issuers.find(issuer, "s").catch(() => undefined);
    for (const subject of some(50, `junk-${time}`)) await issuers.find("divided", subject).catch(() => undefined);
    await expect(issuers.find("more", "s")).rejects.toMatchObject(OVERLOADED);
    change({ [`other-${time}`]: { "": "other" } });
    expect(await own()).toEqual(["acme", "robots"]);
    await clock.advance(5_000);
  }
});

test("subjects that an issuer's rows do not name are paid for, whoever they fall to", async () => {
  const { issuers } = scene({ idp: { "": "acme", robot: "robots" } }, { lookupsBurst: 3 });
  for (const subject of some(3, "user")) expect(await issuers.find("idp", subject)).toBe("acme");
  await expect(issuers.find("idp", "user-3")).rejects.toMatchObject(OVERLOADED);
  expect(await issuers.find("idp", "user-0")).toBe("acme");
});

test("only so many are asked for at once of what is not known, before anything of it is paid", async () => {
  const { issuers, asked } = scene({}, { readingMax: 3 });
  const answers = await Promise.allSettled(some(10, "junk").map((issuer) => issuers.find(issuer, "s")));
  expect(answers.filter(({ status }) => status === "fulfilled").length).toBe(3);
  expect(asked.length).toBe(3);
});

test("an error is told to all who wait for it, and not remembered", async () => {
  const clock = createManualClock();
  const outcomes = [
    Promise.reject(new Error("away")),
    Promise.resolve({ id: "acme", names: 1n, subjects: "all" as const }),
  ];
  const issuers = createIssuers({
    find: () => outcomes.shift() as Promise<FoundName>,
    editions: createEditions(),
    lookups: createLookups(clock, { lookupsPerSecond: 1, lookupsBurst: 1 }),
    limits: { namesMax: 10, readingMax: 10 },
  });
  const answers = await Promise.allSettled(some(3, "user").map((subject) => issuers.find("idp", subject)));
  expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(await issuers.find("idp", "user")).toBe("acme");
});

import { describe, expect, test } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import { keyed, MADE, OPERATOR, type recordStand } from "../../rpc/admin/records-stand.ts";
import { acquire, methods } from "../../rpc/bundle.ts";
import { commandStand, ender, runWith } from "./stand.ts";

/** Several records of a scope, held. */
async function held(own: ReturnType<typeof recordStand>, count: number, scope = "charge"): Promise<void> {
  for (let i = 0; i < count; i++) await acquire(own, keyed(`k${String(i).padStart(5, "0")}`, scope));
}

describe("keys list", () => {
  test("shows stuck ones first, in columns that hold no more than one line each", async () => {
    await using stand = await commandStand();
    await MADE.completed(stand.own, keyed("done"));
    await MADE.lapsed(stand.own, { ...keyed("two words"), owner: { service: "billing", instance: "w-7" } });
    const { code, out, error } = await stand.run(["keys", "list"]);
    expect({ code, error }).toEqual({ code: 0, error: "" });
    const [heads, stuck, done, ...rest] = out.split("\n");
    expect(heads).toMatch(/^SCOPE {3}KEY {10}STATE {8}STUCK {10}FOR +ATTEMPT {2}OWNER {8}LEASE\/DUE$/);
    expect(stuck).toMatch(
      /^charge {2}'two words' {2}in-progress {2}lease-expired {2}\w+ +1 {8}billing\/w-7 {2}\w+ ago$/,
    );
    expect(done).toMatch(/^charge {2}done {9}completed {4}- {14}\w+ +1 {8}- {12}-$/);
    expect(rest).toEqual([""]);
  });

  test("prints a JSON object on each line for scripts, and nothing else", async () => {
    await using stand = await commandStand();
    await MADE.unknown(stand.own, keyed("a\u001b\u202e"));
    await MADE.completed(stand.own, keyed("b"));
    const { out } = await stand.run(["keys", "list", "--output", "json", "--results"]);
    const lines = out.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        key: { key: "a\u001b\u202e" },
        state: "RECORD_STATE_OUTCOME_UNKNOWN",
        error: { code: 4, message: "no answer" },
      },
      {
        key: { key: "b" },
        state: "RECORD_STATE_COMPLETED",
        result: { inline: Buffer.from("done").toString("base64") },
      },
    ]);
    expect(lines[0]).toContain("a\\u001b\\u202e");
  });

  test("asks for what the flags say", async () => {
    await using stand = await commandStand();
    await MADE.lapsed(stand.own, { ...keyed("a-1"), owner: { service: "billing", instance: "w-7" } });
    await MADE.completed(stand.own, keyed("a-2"));
    await MADE.held(stand.own, keyed("b-1", "mail"));
    const keys = async (...flags: readonly string[]) => {
      const { out } = await stand.run(["keys", "list", "--output", "json", ...flags]);
      return out.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line).key.key as string]));
    };
    expect(await keys()).toEqual(["a-1", "b-1", "a-2"]);
    expect(await keys("--stuck")).toEqual(["a-1"]);
    expect(await keys("--scope", "mail")).toEqual(["b-1"]);
    expect(await keys("--prefix", "a-")).toEqual(["a-1", "a-2"]);
    expect(await keys("--owner", "billing")).toEqual(["a-1"]);
    expect(await keys("--owner", "billing/w-7")).toEqual(["a-1"]);
    expect(await keys("--owner", "billing/w-8")).toEqual([]);
    expect(await keys("--state", "completed", "--state", "in-progress", "--state", "completed")).toHaveLength(3);
    expect(await keys("--state", "failed")).toEqual([]);
    expect(await keys("--older-than", "1m")).toEqual(["a-1"]);
    expect(await keys("--newer-than", "1m")).toEqual(["b-1", "a-2"]);
    expect(await keys("--tenant", "acme")).toEqual([]);
  });

  test("shows so many, says that there may be more, and shows all of any number when asked", async () => {
    await using stand = await commandStand();
    await held(stand.own, 1001);
    const some = await stand.run(["keys", "list", "--limit", "7"]);
    expect(some.out.split("\n")).toHaveLength(9);
    expect(some.error).toBe("These are the first 7; there may be more: --limit N or --all.\n");
    expect((await stand.run(["keys", "list"])).out.split("\n")).toHaveLength(102);
    let drained = 0;
    const drainedOf = { drained: async () => void drained++ };
    const all = await stand.run(["keys", "list", "--all"], drainedOf);
    expect(all.out.split("\n")).toHaveLength(1003);
    expect(all.error).toBe("");
    // Output that nobody reads yet holds up the next page, and does not pile up.
    expect(drained).toBe(stand.calls.length - 2);
  });

  test("says in words that there is nothing, and of which tenant", async () => {
    await using stand = await commandStand();
    const said = async (...flags: readonly string[]) => {
      const { code, out, error } = await stand.run(["keys", "list", ...flags]);
      expect({ code, out }).toEqual({ code: 0, out: "" });
      return error;
    };
    expect(await said("--stuck")).toBe("No record of tenant default is stuck.\n");
    expect(await said()).toBe("There is no such record of tenant default.\n");
    expect(await said("--output", "json")).toBe("There is no such record of tenant default.\n");
    expect(await said("--stuck", "--tenant", "acme")).toBe("No record of tenant acme is stuck.\n");
    expect(await said("--stuck", "--all-tenants")).toBe("No record is stuck in any of 2 tenants: acme, default.\n");
  });

  test("names the tenant that a credential has of its own", async () => {
    await using stand = await commandStand({ principal: { ...OPERATOR, tenant: "acme" }, listed: ["acme"] });
    expect((await stand.run(["keys", "list", "--stuck"])).error).toBe("No record of tenant acme is stuck.\n");
    await acquire(stand.own, { key: { tenant: "acme", scope: "charge", key: "theirs" } });
    expect((await stand.run(["keys", "list"])).out).toMatch(/^TENANT {2}SCOPE .*\nacme {4}charge /);
    await using unlisted = await commandStand({ principal: { ...OPERATOR, tenant: "acme" }, listed: null });
    expect((await unlisted.run(["keys", "list"])).error).toBe(
      "There is no such record of the credential's own tenant.\n",
    );
  });

  test("is cut at the width of a terminal, and nowhere else", async () => {
    await using stand = await commandStand();
    await acquire(stand.own, keyed("k".repeat(300)));
    expect((await stand.run(["keys", "list"])).out).toContain("k".repeat(300));
    const { out } = await stand.run(["keys", "list"], { terminal: true, columns: 80 });
    expect(out.split("\n").map((line) => line.length)).toEqual([80, 80, 0]);
  });

  test("leaves out the middle of a long key on a terminal, for what comes behind it", async () => {
    await using stand = await commandStand();
    await acquire(stand.own, keyed(`${"a".repeat(30)}-${"b".repeat(30)}`));
    const { out } = await stand.run(["keys", "list"], { terminal: true, columns: 200 });
    expect(out).toMatch(/ a{20}…b{19} {2}in-progress /);
  });

  test("has a state of its own for what a reconciler holds", async () => {
    await using stand = await commandStand();
    await MADE.held(stand.own, keyed("a"));
    await MADE.reconciling(stand.own, keyed("b"));
    await MADE.unknown(stand.own, keyed("c"));
    const keys = async (...flags: readonly string[]) => {
      const { out, error } = await stand.run(["keys", "list", "--output", "json", ...flags]);
      const found = out.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line).key.key as string]));
      return { found, error };
    };
    expect((await keys("--state", "reconciling")).found).toEqual(["b"]);
    expect((await keys("--state", "reconciling", "--state", "outcome-unknown")).found.toSorted()).toEqual(["b", "c"]);
    expect((await keys("--state", "in-progress", "--state", "reconciling")).found).toEqual(["a", "b"]);
    await MADE.reconciling(stand.own, keyed("d"));
    expect(await keys("--state", "reconciling", "--limit", "1")).toMatchObject({
      ...{ found: ["b"], error: expect.stringContaining("there may be more") },
    });
  });

  test("with results shows texts in one line, and of others what they are", async () => {
    await using stand = await commandStand();
    await MADE.completed(stand.own, keyed("a"));
    const { handle } = await acquire(stand.own, keyed("b"));
    const body = { case: "inline" as const, value: new Uint8Array([0, 255, 1]) };
    await stand.own.call(methods.complete, { handle, result: { body, contentType: "image/png" } });
    await MADE.failed(stand.own, keyed("c"));
    const { out } = await stand.run(["keys", "list", "--results"]);
    expect(out).toMatch(/^charge {2}a .* done$/m);
    expect(out).toMatch(/^charge {2}b .* \(3 bytes, image\/png; --raw prints them/m);
    expect(out).toMatch(/^charge {2}c .* INVALID_ARGUMENT: no such card$/m);
  });
});

describe("keys list --all-tenants", () => {
  test("shows whose each record is", async () => {
    await using stand = await commandStand();
    await acquire(stand.own, keyed("mine"));
    await acquire(stand.own, { key: { tenant: "acme", scope: "charge", key: "theirs" } });
    const { out } = await stand.run(["keys", "list", "--all-tenants"]);
    expect(out).toMatch(/^TENANT +SCOPE/);
    expect(out).toMatch(/^acme +charge {2}theirs/m);
    expect(out).toMatch(/^default {2}charge {2}mine/m);
    expect((await stand.run(["keys", "list", "--all-tenants", "--limit", "1"])).error).toMatch(
      /^These are the first 1;/,
    );
  });

  test("says that it was one tenant only, to whoever may see no other", async () => {
    await using stand = await commandStand({ principal: { ...OPERATOR, tenant: "acme" }, listed: ["acme"] });
    const only = "Only tenant acme was looked at: this credential may see no other.\n";
    expect(await stand.run(["keys", "list", "--all-tenants", "--stuck"])).toMatchObject({
      ...{ code: 0, error: `No record of tenant acme is stuck.\n${only}` },
    });
    await MADE.unknown(stand.own, { key: { tenant: "acme", scope: "charge", key: "theirs" } });
    const { out, error } = await stand.run(["keys", "list", "--all-tenants", "--stuck"]);
    expect(out).toContain("theirs");
    expect(error).toBe(only);
  });

  test("shows the others when the records of one cannot be had, and ends with why", async () => {
    await using stand = await commandStand({
      through: (store) => ({
        ...store,
        list: (query, deadline) => {
          if (query.tenant === "acme") throw new Fault("STORE_UNAVAILABLE", "the database does not answer");
          return store.list(query, deadline);
        },
      }),
    });
    await acquire(stand.own, keyed("mine"));
    const { code, out, error } = await stand.run(["keys", "list", "--all-tenants"]);
    expect(code).toBe(3);
    expect(out).toContain("mine");
    expect(error).toMatch(/^holdfast: tenant acme: the database does not answer \(STORE_UNAVAILABLE\)/);
  });
});

describe("keys list ends before its time", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["closed", 0],
  ] as const)("by %s with %d, without another call or a word", async (why, expected) => {
    const { onEnding, end, ...listeners } = ender();
    let lists = 0;
    await using stand = await commandStand({
      before: (method) => {
        if (method === "ListRecords" && ++lists === 2) end(why);
      },
    });
    await held(stand.own, 2500);
    const { code, error } = await stand.run(["keys", "list", "--all"], { onEnding });
    expect({ code, error }).toEqual({ code: expected, error: "" });
    expect(lists).toBe(2);
    expect(listeners.listening).toBe(0);
  });
});

test("keys list ends with what the server says, and what to do next", async () => {
  const code = await runWith(["keys", "list", "--server", "127.0.0.1:1"]);
  expect(code).toMatchObject({
    code: 3,
    out: "",
    error: expect.stringMatching(/^holdfast: no answer from 127\.0\.0\.1:1: nothing listens there;/),
  });
  await using stand = await commandStand();
  expect(await stand.run(["keys", "list", "--tenant", "nobody"])).toMatchObject({
    code: 4,
    error: expect.stringContaining('"holdfast tenants list" shows those that there are'),
  });
});

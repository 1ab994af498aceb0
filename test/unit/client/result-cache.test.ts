import { describe, expect, test } from "vitest";
import { type CacheOptions, FingerprintMismatchError, type ReplayEvent } from "../../../src/client/client.ts";
import { createFakeServer, unavailable } from "./fake-server.ts";
import { job, thrown } from "./one-job.ts";

const never = (): never => {
  throw new Error("this must not run");
};

/** A server, and a client that keeps results; another one that does not. */
function start(cache: CacheOptions = {}) {
  const server = createFakeServer();
  const replays: ReplayEvent[] = [];
  const hooks = { onReplay: (event: ReplayEvent) => replays.push(event) };
  const holdfast = server.client({ tenant: "default", cache, hooks });
  const once = <T>(options: object, work: () => T = never) => holdfast.once<T>({ ...job, ...options }, work);
  return { server, clock: server.clock, holdfast, once, replays, other: server.client() };
}

describe("a result that is kept", () => {
  test("is replayed without a call: one's own, and one that was replayed before", async () => {
    const { server, once, other, replays } = start();
    await once({}, () => ({ cents: 3 }));
    await other.once({ ...job, key: "b" }, () => 2);
    await once({ key: "b" });
    server.calls.splice(0);
    const own = { value: { cents: 3 }, replayed: true, attempt: 1, reason: undefined, protected: true };
    expect(await once({})).toStrictEqual(own);
    expect(await once({ key: "b" })).toStrictEqual({ ...own, value: 2 });
    expect(server.calls).toEqual([]);
    expect(replays.map(({ key, source }) => [key, source])).toEqual([
      ["b", "server"],
      [job.key, "cache"],
      ["b", "cache"],
    ]);
  });

  test("is a fresh value each time", async () => {
    const { once } = start();
    await once({}, () => ({ list: [1] }));
    for (let again = 0; again < 2; again++) {
      const { value } = await once<{ list: number[] }>({});
      expect(value).toEqual({ list: [1] });
      value.list.push(2);
    }
  });

  test("is there while no server is", async () => {
    const { server, once } = start();
    await once({}, () => 1);
    server.meddle = () => Promise.reject(unavailable());
    expect((await once({})).value).toBe(1);
  });

  test("is not asked for another input, scope or key", async () => {
    const { once } = start();
    await once({}, () => 1);
    expect(await thrown(once({ input: { amount: 4 } }))).toBeInstanceOf(FingerprintMismatchError);
    expect((await once({ scope: "refund" }, () => 2)).value).toBe(2);
    expect((await once({ key: "evt_2" }, () => 3)).value).toBe(3);
    // The same letters, cut elsewhere.
    expect((await once({ scope: `${job.scope}e`, key: "vt_1" }, () => 4)).value).toBe(4);
  });

  test("is not asked by who wants no record to be there, nor by whose signal is aborted", async () => {
    const { once } = start();
    await once({}, () => 1);
    expect(await thrown(once({ reuse: "reject" }))).toMatchObject({ name: "RecordExistsError" });
    expect(await thrown(once({ signal: AbortSignal.abort("enough") }))).toBe("enough");
    expect((await once({ reuse: "retry-failed" })).value).toBe(1);
  });

  test("is asked for again when its time is over, and gone when its retention is, whichever comes first", async () => {
    const { server, clock, once, other } = start({ ttlMs: 90_000 });
    await once({}, () => 1);
    const short = { resultRetentionMs: 60_000, tombstoneRetentionMs: 0 };
    await once({ ...short, key: "own" }, () => 1);
    await other.once({ ...job, ...short, key: "theirs" }, () => 1);
    await once({ ...short, key: "theirs" });
    await clock.advance(60_000);
    expect((await once({ ...short, key: "own" }, () => "again")).value).toBe("again");
    expect((await once({ ...short, key: "theirs" }, () => "again")).value).toBe("again");
    await clock.advance(29_999);
    server.calls.splice(0);
    await once({});
    expect(server.calls).toEqual([]);
    await clock.advance(1);
    await once({});
    expect(server.calls).toEqual(["claim"]);
  });

  test("of a record that an operator has reset is replayed for its time still, and no longer", async () => {
    const { server, clock, once } = start({ ttlMs: 5_000 });
    await once({}, () => "old");
    await reset(server);
    expect((await once({})).value).toBe("old");
    await clock.advance(5_000);
    expect((await once({}, () => "new")).value).toBe("new");
  });
});

describe("what is not kept", () => {
  test("is anything without the option", async () => {
    const server = createFakeServer();
    const holdfast = server.client({ tenant: "default" });
    await holdfast.once(job, () => 1);
    await holdfast.once(job, never);
    expect(server.calls).toEqual(["claim", "complete", "claim"]);
  });

  test("is an end without a result: a failure, or a result that was left out", async () => {
    const { server, once } = start();
    await thrown(once({}, () => 1n));
    await thrown(once({}));
    expect(server.calls).toEqual(["claim", "complete", "claim"]);
  });

  test("is what was used the longest ago, when there are more than entries", async () => {
    const { server, once } = start({ entries: 2 });
    for (const key of ["a", "b"]) await once({ key }, () => key);
    await once({ key: "a" });
    await once({ key: "c" }, () => "c");
    server.calls.splice(0);
    for (const key of ["a", "c"]) await once({ key });
    expect(server.calls).toEqual([]);
    await once({ key: "b" });
    expect(server.calls).toEqual(["claim"]);
  });

  test("is what does not fit into bytes, alone or beside others", async () => {
    const { server, once } = start({ bytes: 4_000 });
    const text = "x".repeat(1_500);
    for (const key of ["a", "b", "c"]) await once({ key }, () => text);
    await once({ key: "huge" }, () => "x".repeat(4_000));
    server.calls.splice(0);
    for (const key of ["c", "b"]) await once({ key });
    expect(server.calls).toEqual([]);
    for (const key of ["a", "huge"]) await once({ key });
    expect(server.calls).toEqual(["claim", "claim"]);
  });
});

describe("a cache that cannot be", () => {
  test.each<[string, CacheOptions]>([
    ["entries", { entries: 0 }],
    ["bytes", { bytes: 2 ** 30 + 1 }],
    ["ttlMs", { ttlMs: Number.POSITIVE_INFINITY }],
  ])("for its %s is refused when the client is created", (name, cache) => {
    expect(() => start(cache)).toThrow(new RegExp(`^cache\\.${name} must be a whole number from 1 to \\d+$`));
  });

  test("because nobody knows whose results it would hold is refused too", () => {
    expect(() => createFakeServer().client({ cache: {} })).toThrow("cache needs the tenant");
  });
});

async function reset({ store }: ReturnType<typeof createFakeServer>): Promise<void> {
  const key = { tenant: "default", scope: job.scope, key: job.key };
  const fence = (await store.peek(key, Number.POSITIVE_INFINITY)).record?.lease.fence ?? 0n;
  const call = { key, fence, force: true, actor: "ops", reason: "done wrongly" };
  expect(await store.reset(call, Number.POSITIVE_INFINITY)).toMatchObject({ kind: "changed-record" });
}

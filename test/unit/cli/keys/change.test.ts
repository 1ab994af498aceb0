import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import { fenceOf, MADE } from "../../rpc/admin/records-stand.ts";
import { acquire, HOLD, KEY, methods } from "../../rpc/bundle.ts";
import { type CommandStand, commandStand, ender } from "./stand.ts";

const NAMED = [KEY.key, "--scope", KEY.scope, "--reason", "ticket 7"];

const stateOf = async ({ own }: CommandStand) => await own.call(methods.getRecord, { key: KEY, includeResult: true });

describe("keys release", () => {
  test("takes the lease away, and says what comes next", async () => {
    await using stand = await commandStand();
    await MADE.held(stand.own, { owner: { service: "billing", instance: "w-7" } });
    const { code, out, error } = await stand.run(["keys", "release", ...NAMED, "--yes"]);
    expect({ code, error }).toEqual({ code: 0, error: "" });
    expect(out).toMatch(
      /^Record "evt_1" \(scope "charge"\) is available now \(attempt 1 of billing\/w-7, fence \d+\)\.\nThe next claim gets it; /,
    );
    expect(stand.own.changes).toMatchObject([{ action: "release" }]);
  });

  test("leaves an unknown outcome under HOLD, and leads to resolve", async () => {
    await using stand = await commandStand();
    await acquire(stand.own, HOLD);
    const { out } = await stand.run(["keys", "release", ...NAMED, "--yes"]);
    expect(out).toMatch(/ is outcome-unknown now .*\n.*holdfast keys resolve evt_1 --scope charge --help\n$/);
  });

  test("is refused by a state that does not allow it, and leads to keys why", async () => {
    await using stand = await commandStand();
    await MADE.completed(stand.own);
    expect(await stand.run(["keys", "release", ...NAMED, "--yes"])).toMatchObject({
      ...{ code: 5, out: "" },
      error: expect.stringMatching(
        /^holdfast: the record is completed, and only in-progress records can be released: it has ended, and keys reset lets it be done again \(INVALID_STATE\); holdfast keys why evt_1 --scope charge tells more\n$/,
      ),
    });
  });

  test("takes nothing from whoever has claimed since the record was looked at", async () => {
    let isFirst = true;
    await using stand = await commandStand({
      through: (store) => ({
        ...store,
        async release(call, deadline) {
          if (isFirst) {
            isFirst = false;
            await store.reset({ ...call, force: true }, deadline);
          }
          return store.release(call, deadline);
        },
      }),
    });
    await MADE.held(stand.own);
    expect(await stand.run(["keys", "release", ...NAMED, "--yes"])).toMatchObject({
      code: 5,
      error: expect.stringMatching(
        /^holdfast: the record has changed meanwhile, and was left alone \(RECORD_CHANGED\);/,
      ),
    });
  });

  test("changes only the record of the fence that is named", async () => {
    await using stand = await commandStand();
    await MADE.held(stand.own);
    const fence = await fenceOf(stand.own);
    expect(await stand.run(["keys", "release", ...NAMED, "--yes", "--fence", String(fence - 1n)])).toMatchObject({
      code: 5,
    });
    expect(await stand.run(["keys", "release", ...NAMED, "--yes", "--fence", String(fence)])).toMatchObject({
      code: 0,
    });
  });

  test("says that nobody knows whether it was made when the database does not answer", async () => {
    await using stand = await commandStand({
      through: (store) => ({
        ...store,
        release: async () => {
          throw new Fault("STORE_UNAVAILABLE", "the database does not answer", { retryAfterMs: 2000 });
        },
      }),
    });
    await MADE.held(stand.own);
    expect(await stand.run(["keys", "release", ...NAMED, "--yes"])).toMatchObject({
      code: 3,
      error: expect.stringMatching(
        /^holdfast: the change may have been made or not: holdfast keys why evt_1 --scope charge tells\nholdfast: .* \(STORE_UNAVAILABLE\); /,
      ),
    });
  });
});

describe("keys release of a record that somebody is at work on", () => {
  test.each([
    ["held", {}, "is being worked on; once its lease is taken away, what was begun may be done twice."],
    ["held", HOLD, "is being worked on; once its lease is taken away, nobody knows whether its work was done."],
    ["reconciling", {}, "is being looked into; whoever finds out can no longer say what he finds."],
  ] as const)("asks before it is cut off: %s", async (made, more, risk) => {
    await using stand = await commandStand();
    await MADE[made](stand.own, more);
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question);
      return "no";
    };
    const args = ["keys", "release", ...NAMED];
    expect(await stand.run(args, { ask })).toMatchObject({ code: 1, error: "holdfast: nothing was changed\n" });
    expect(asked).toEqual([`Record "evt_1" (scope "charge") of tenant default ${risk}\nType yes to go on: `]);
    expect(await stand.run(args)).toMatchObject({ code: 2, error: expect.stringContaining("--yes is needed") });
    expect(stand.own.changes).toEqual([]);
    expect(await stand.run([...args, "--yes"])).toMatchObject({ code: 0 });
  });

  test("asks nobody once the lease is over", async () => {
    await using stand = await commandStand();
    await MADE.lapsed(stand.own);
    expect(await stand.run(["keys", "release", ...NAMED])).toMatchObject({ code: 0 });
  });
});

describe("keys resolve", () => {
  test.each<[string, readonly string[], object]>([
    ["a text", ["--completed-text", ""], { contentType: "text/plain; charset=utf-8", body: inline("") }],
    ["JSON", ["--completed-json", '{"a": 1.0}'], { contentType: "application/json", body: inline('{"a": 1.0}') }],
    ["JSON of another type", ["--completed-json", "1", "--content-type", "x/y+json"], { contentType: "x/y+json" }],
  ])("stores %s as it was given", async (_, flags, result) => {
    await using stand = await commandStand();
    await MADE.unknown(stand.own);
    expect(await stand.run(["keys", "resolve", ...NAMED, ...flags])).toMatchObject({ code: 0, error: "" });
    expect(await stateOf(stand)).toMatchObject({ record: { state: 3 }, result });
  });

  test("stores what is in a file, whatever it is", async () => {
    using directory = mkdtempDisposableSync(join(tmpdir(), "holdfast-resolve-"));
    const path = join(directory.path, "result");
    writeFileSync(path, new Uint8Array([0, 255]));
    await using stand = await commandStand();
    await MADE.unknown(stand.own);
    await stand.run(["keys", "resolve", ...NAMED, "--completed-file", path]);
    const { result } = await stateOf(stand);
    expect(result).toMatchObject({
      contentType: "application/octet-stream",
      body: { case: "inline", value: new Uint8Array([0, 255]) },
    });
  });

  test("stores an error, or that it was not done", async () => {
    await using stand = await commandStand();
    await MADE.unknown(stand.own);
    const failed = ["--failed-message", "the bank says no", "--failed-code", "NOT_FOUND"];
    expect((await stand.run(["keys", "resolve", ...NAMED, ...failed])).out).toMatch(/ is failed now /);
    expect(await stateOf(stand)).toMatchObject({ error: { code: 5, message: "the bank says no" } });
    await using other = await commandStand();
    await MADE.unknown(other.own);
    expect((await other.run(["keys", "resolve", ...NAMED, "--not-done"])).out).toMatch(
      / is available now \(no attempt,/,
    );
  });

  test("with force asks first, and goes over a reconciler", async () => {
    await using stand = await commandStand();
    await MADE.reconciling(stand.own);
    const args = ["keys", "resolve", ...NAMED, "--not-done"];
    expect(await stand.run(args)).toMatchObject({
      code: 5,
      error: expect.stringContaining("or resolve it with --force (INVALID_STATE)"),
    });
    expect(await stand.run([...args, "--force"])).toMatchObject({
      code: 2,
      error: expect.stringContaining("--yes is needed"),
    });
    expect(await stand.run([...args, "--force"], { ask: async () => "yes" })).toMatchObject({ code: 0 });
  });

  test("reads its file before it calls anybody", async () => {
    await using stand = await commandStand();
    expect(await stand.run(["keys", "resolve", ...NAMED, "--completed-file", "/does/not/exist"])).toMatchObject({
      code: 1,
      error: "holdfast: --completed-file cannot be read (ENOENT): /does/not/exist\n",
    });
    const { code, error } = await stand.run(["keys", "resolve", ...NAMED, "--completed-file", "/dev/zero"]);
    expect({ code, error }).toEqual({
      code: 1,
      error:
        "holdfast: the result has more than 1048576 bytes, which is all that is kept: give a part of it, or where it is\n",
    });
    expect(stand.calls).toEqual([]);
  });
});

describe("keys reset", () => {
  test("of a record that has no result asks nobody", async () => {
    await using stand = await commandStand();
    await MADE.failed(stand.own);
    const { code, out } = await stand.run(["keys", "reset", ...NAMED, "--output", "json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ state: "RECORD_STATE_AVAILABLE", attempt: 0 });
  });

  test.each(["completed", "expired"] as const)(
    "of a record that is %s asks before its work is done again",
    async (state) => {
      await using stand = await commandStand();
      await MADE[state](stand.own);
      const asked: string[] = [];
      const answering = (answer: string) => ({
        ask: async (question: string) => {
          asked.push(question);
          return answer;
        },
      });
      const args = ["keys", "reset", ...NAMED];
      expect(await stand.run(args)).toMatchObject({
        code: 2,
        error: expect.stringMatching(
          /^holdfast: --yes is needed where nobody can be asked; nothing was changed\. Record /,
        ),
      });
      expect(await stand.run(args, answering("y"))).toMatchObject({
        code: 1,
        error: "holdfast: nothing was changed\n",
      });
      expect(stand.own.changes).toEqual([]);
      expect(await stand.run(args, answering(" YES "))).toMatchObject({ code: 0 });
      expect(asked[0]).toMatch(
        new RegExp(
          `^Record "evt_1" \\(scope "charge"\\) of tenant default is ${state}; its result will be gone, .*\nType yes to go on: $`,
        ),
      );
    },
  );

  test("with --yes asks nobody", async () => {
    await using stand = await commandStand();
    await MADE.completed(stand.own);
    expect(await stand.run(["keys", "reset", ...NAMED, "--yes"])).toMatchObject({ code: 0 });
  });

  test("of a held record needs force", async () => {
    await using stand = await commandStand();
    await MADE.held(stand.own);
    expect(await stand.run(["keys", "reset", ...NAMED])).toMatchObject({ code: 5 });
    expect(await stand.run(["keys", "reset", ...NAMED, "--force", "--yes"])).toMatchObject({ code: 0 });
  });

  test("can be given up at the question", async () => {
    await using stand = await commandStand();
    await MADE.completed(stand.own);
    const { onEnding, end } = ender();
    const ask = (_: string, signal: AbortSignal) =>
      new Promise<string>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        end("SIGINT");
      });
    expect(await stand.run(["keys", "reset", ...NAMED], { onEnding, ask })).toMatchObject({ code: 130, out: "" });
    expect(stand.own.changes).toEqual([]);
  });
});

describe("of a record that the server cannot show", () => {
  const unreadable = () =>
    commandStand({
      through: (store) => ({
        ...store,
        history: async () => {
          throw new Fault("INTERNAL", "Internal error.");
        },
      }),
    });
  const warning =
    "holdfast: the server cannot show the record, its log says why; it is changed as the server finds it\n";

  test.each(["release", "reset"] as const)("keys %s is made, and says so", async (word) => {
    await using stand = await unreadable();
    await MADE.lapsed(stand.own);
    const { code, error } = await stand.run(["keys", word, ...NAMED, "--yes"]);
    expect({ code, error }).toEqual({ code: 0, error: warning });
    expect(stand.own.changes).toMatchObject([{ action: word }]);
  });

  test("keys reset asks first, whatever the record holds", async () => {
    await using stand = await unreadable();
    await MADE.failed(stand.own);
    const refused = await stand.run(["keys", "reset", ...NAMED]);
    expect(refused).toMatchObject({
      code: 2,
      error: expect.stringContaining("of tenant default cannot be seen; what it holds will be gone"),
    });
    expect(stand.own.changes).toEqual([]);
  });

  test("the fence that is named still counts", async () => {
    await using stand = await unreadable();
    await MADE.held(stand.own);
    const fence = await fenceOf(stand.own);
    expect(await stand.run(["keys", "release", ...NAMED, "--yes", "--fence", String(fence - 1n)])).toMatchObject({
      code: 5,
    });
    expect(await stand.run(["keys", "release", ...NAMED, "--yes", "--fence", String(fence)])).toMatchObject({
      code: 0,
    });
  });
});

function inline(text: string) {
  return { case: "inline", value: new Uint8Array(Buffer.from(text)) };
}

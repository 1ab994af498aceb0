import { describe, expect, test } from "vitest";
import { MADE } from "../rpc/admin/records-stand.ts";
import { acquire, KEY, methods } from "../rpc/bundle.ts";
import { commandStand, runWith } from "./keys/stand.ts";

const NAMED = ["wait", KEY.key, "--scope", KEY.scope];

describe("wait on a record that has ended", () => {
  test("prints its result, as a text, for scripts, and byte by byte", async () => {
    await using stand = await commandStand();
    const { handle } = await acquire(stand.own);
    const result = { body: { case: "inline" as const, value: Buffer.from("one\ntwo") }, contentType: "text/plain" };
    await stand.own.call(methods.complete, { handle, result });
    expect(await stand.run(NAMED)).toEqual({ code: 0, out: "one\ntwo\n", error: "" });
    expect(await stand.run([...NAMED, "--raw"])).toEqual({ code: 0, out: "one\ntwo", error: "" });
    const json = await stand.run([...NAMED, "--output", "json"]);
    expect(JSON.parse(json.out)).toMatchObject({
      record: { state: "RECORD_STATE_COMPLETED", key: { key: KEY.key } },
      result: { contentType: "text/plain", inline: Buffer.from("one\ntwo").toString("base64") },
    });
  });

  test("ends with 7 and its error when it has failed", async () => {
    await using stand = await commandStand();
    await MADE.failed(stand.own);
    expect(await stand.run(NAMED)).toEqual({
      ...{ code: 7, out: "" },
      error: "holdfast: the work has failed for good: INVALID_ARGUMENT: no such card\n",
    });
    const { out } = await stand.run([...NAMED, "--output", "json"]);
    expect(JSON.parse(out)).toMatchObject({ record: { state: "RECORD_STATE_FAILED" }, error: { code: 3 } });
  });

  test("ends with 8 when its result is no longer kept", async () => {
    await using stand = await commandStand();
    await MADE.expired(stand.own);
    expect(await stand.run(NAMED)).toEqual({
      ...{ code: 8, out: "" },
      error: "holdfast: the work has ended, and its result is no longer kept\n",
    });
  });

  test("says where a result is that is kept elsewhere, and why one is not kept", async () => {
    for (const [body, shown] of [
      [{ case: "reference" as const, value: { uri: "s3://b/k" } }, "(kept elsewhere: s3://b/k)\n"],
      [{ case: "omittedReason" as const, value: "too large" }, "(not kept: too large)\n"],
    ] as const) {
      await using stand = await commandStand();
      const { handle } = await acquire(stand.own);
      await stand.own.call(methods.complete, { handle, result: { body } });
      expect(await stand.run(NAMED)).toEqual({ code: 0, out: shown, error: "" });
      expect(await stand.run([...NAMED, "--raw"])).toMatchObject({ code: 5, out: "" });
    }
  });
});

test("a record that must exist and does not ends with 4", async () => {
  await using stand = await commandStand();
  expect(await stand.run([...NAMED, "--must-exist"])).toEqual({
    ...{ code: 4, out: "" },
    error:
      "holdfast: there is no such record (RECORD_NOT_FOUND); " +
      '"holdfast keys list --scope charge" shows those that there are\n',
  });
});

describe("what is not understood ends with 2, and nothing is sent", () => {
  test.each<[string, RegExp]>([
    ["", /"holdfast wait" needs the KEY of a record\nholdfast: --scope is needed/],
    ["k", /--scope is needed: a key names a record within it/],
    ["k l --scope s", /"holdfast wait" does not take "l"/],
    ["k --scope s --timeout 0", /--timeout must be a time from 1s to 24h/],
    ["k --scope s --timeout 2d", /--timeout must be a time from 1s to 24h/],
    ["k --scope s --timout 2s", /unknown flag "--timout" of "holdfast wait": did you mean --timeout\?/],
    ["k --scope s --output raw", /--output must be one of table, json/],
  ])("%s", async (line, expected) => {
    const { code, out, error } = await runWith(["wait", ...line.split(" ").filter((word) => word !== "")]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(error).toMatch(expected);
  });
});

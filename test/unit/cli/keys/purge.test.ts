import { describe, expect, test } from "vitest";
import { keyed, MADE, OPERATOR } from "../../rpc/admin/records-stand.ts";
import { acquire, KEY, methods } from "../../rpc/bundle.ts";
import { type CommandStand, commandStand, ender } from "./stand.ts";

const REASON = ["--reason", "art. 17", "--yes"];

/** More than one call deletes. */
async function many({ own }: CommandStand): Promise<void> {
  for (let i = 0; i < 5001; i++) {
    const { handle } = await acquire(own, keyed(`k${i}`));
    await own.call(methods.complete, { handle, result: { body: { case: "inline", value: new Uint8Array() } } });
  }
}

describe("keys purge", () => {
  test("deletes one record", async () => {
    await using stand = await commandStand();
    await MADE.completed(stand.own);
    const args = ["keys", "purge", KEY.key, "--scope", KEY.scope, ...REASON];
    expect(await stand.run(args)).toEqual({ code: 0, out: "1 record of tenant default deleted.\n", error: "" });
    expect(await stand.run(args)).toMatchObject({ code: 4, error: expect.stringContaining("there is no such record") });
  });

  test("deletes those of a scope, or of a tenant, and leaves the others", async () => {
    await using stand = await commandStand();
    await MADE.completed(stand.own, keyed("a"));
    await MADE.completed(stand.own, keyed("b"));
    await MADE.completed(stand.own, keyed("a", "mail"));
    const scope = await stand.run([
      "keys",
      "purge",
      "--scope",
      "charge",
      "--all-of-scope",
      ...REASON,
      "--output",
      "json",
    ]);
    expect(JSON.parse(scope.out)).toEqual({ purged: 2, held: 0 });
    const all = ["keys", "purge", "--all-of-tenant", "--tenant", "default", ...REASON];
    expect((await stand.run(all)).out).toBe("1 record of tenant default deleted.\n");
    expect((await stand.run(all)).out).toBe("0 records of tenant default deleted.\n");
  });

  test("goes on until there are no more, and shows how far it is", async () => {
    await using stand = await commandStand();
    await many(stand);
    const shown: string[] = [];
    const progress = (text: string) => void shown.push(text);
    const args = ["keys", "purge", "--scope", "charge", "--all-of-scope", ...REASON];
    expect((await stand.run(args, { progress })).out).toBe("5001 records of tenant default deleted.\n");
    expect(stand.calls).toEqual(["ResolveTenant", "PurgeRecords", "PurgeRecords"]);
    expect(shown).toEqual(["5000 records deleted so far", ""]);
  });

  test("leaves what somebody holds, says so, and deletes it with force", async () => {
    await using stand = await commandStand();
    await MADE.held(stand.own, keyed("a"));
    await MADE.completed(stand.own, keyed("b"));
    const args = ["keys", "purge", "--scope", "charge", "--all-of-scope", ...REASON];
    expect(await stand.run(args)).toEqual({
      ...{ code: 5, out: "1 record of tenant default deleted.\n" },
      error: "holdfast: 1 record left, because somebody is at work; --force deletes also those\n",
    });
    expect(await stand.run([...args, "--force"])).toMatchObject({
      code: 0,
      out: "1 record of tenant default deleted.\n",
    });
  });

  test("asks first, and names what it will delete", async () => {
    await using stand = await commandStand();
    await MADE.completed(stand.own);
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question.split("\n")[0] ?? "");
      return "no";
    };
    const purge = (...args: readonly string[]) => stand.run(["keys", "purge", "--reason", "x", ...args], { ask });
    expect(await purge("it's", "--scope", "charge")).toMatchObject({ code: 1, out: "" });
    await purge("--scope", "charge", "--all-of-scope", "--tenant", "acme");
    await purge("--all-of-tenant", "--tenant", "acme");
    expect(asked).toEqual([
      "Record 'it'\\''s' (scope \"charge\") of tenant default will be deleted, with all that is known of it: the next claim does the work again.",
      "Every record of scope charge of tenant acme will be deleted, with all that is known of it: the next claim does the work again.",
      "Every record of tenant acme will be deleted, with all that is known of it: the next claim does the work again.",
    ]);
    expect(stand.calls).toEqual(["ResolveTenant"]);
  });

  test("names the tenant that the credential has of its own", async () => {
    await using stand = await commandStand({ principal: { ...OPERATOR, tenant: "acme" }, listed: ["acme"] });
    const asked: string[] = [];
    const ask = async (question: string) => `${asked.push(question)}`;
    await stand.run(["keys", "purge", "--all-of-scope", "--scope", "charge", "--reason", "x"], { ask });
    expect(asked).toEqual([expect.stringMatching(/^Every record of scope charge of tenant acme will be deleted/)]);
  });

  test("that is interrupted says how far it came", async () => {
    const { onEnding, end } = ender();
    let calls = 0;
    await using stand = await commandStand({
      before: (method) => {
        if (method === "PurgeRecords" && ++calls === 2) end("SIGINT");
      },
    });
    await many(stand);
    const args = ["keys", "purge", "--scope", "charge", "--all-of-scope", ...REASON];
    expect(await stand.run(args, { onEnding })).toMatchObject({
      ...{ code: 130, out: "" },
      error: expect.stringMatching(/^holdfast: 5000 records deleted before this; the same command again goes on\n$/),
    });
  });
});

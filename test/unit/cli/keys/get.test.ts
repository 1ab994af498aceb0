import { describe, expect, test } from "vitest";
import { MADE } from "../../rpc/admin/records-stand.ts";
import { acquire, HOLD, KEY, methods } from "../../rpc/bundle.ts";
import { commandStand } from "./stand.ts";

const NAMED = [KEY.key, "--scope", KEY.scope];

describe("keys get", () => {
  test("shows everything of a record, and nothing that is not there", async () => {
    await using stand = await commandStand();
    const owner = { service: "billing", instance: "w-7" };
    const { handle } = await acquire(stand.own, { ...HOLD, owner, metadata: { order: "17" }, externalRef: "pi_1" });
    const checkpoint = { name: "charged", sequence: 3n, data: new Uint8Array([1]) };
    const progress = { fraction: 0.5, message: "half" };
    await stand.own.call(methods.heartbeat, { handle, checkpoint, progress });
    const { code, out, error } = await stand.run(["keys", "get", ...NAMED]);
    expect({ code, error }).toEqual({ code: 0, error: "" });
    for (const [field, value] of [
      ["tenant", "default"],
      ["scope", "charge"],
      ["key", "evt_1"],
      ["state", "in-progress"],
      ["owner", "billing/w-7"],
      ["external ref", "pi_1"],
      ["progress", "0.5 half"],
      ["checkpoint", "3 charged"],
      ["metadata order", "17"],
      ["on lease expiry", "hold"],
      ["max attempts", "no limit"],
      ["result retention", "86400s"],
      ["waiters", "no"],
    ]) {
      expect(out).toMatch(new RegExp(`^${field} +${value}$`, "m"));
    }
    expect(out).not.toMatch(/^(ended|stuck|unknown because|failed because) /m);
  });

  test("prints one document for scripts, with numbers of 64 bits as text", async () => {
    await using stand = await commandStand();
    await MADE.unknown(stand.own);
    const { out } = await stand.run(["keys", "get", ...NAMED, "--output", "json"]);
    expect(JSON.parse(out)).toMatchObject({
      record: {
        key: { scope: "charge", key: "evt_1" },
        state: "RECORD_STATE_OUTCOME_UNKNOWN",
        fence: expect.any(String),
      },
      stuck: "STUCK_REASON_OUTCOME_UNKNOWN",
      error: { code: 4, message: "no answer", details: [] },
      events: [{ kind: "RECORD_EVENT_KIND_CLAIMED" }, { kind: "RECORD_EVENT_KIND_OUTCOME_UNKNOWN" }],
    });
  });

  test("prints the details of an error also when nobody here knows their type", async () => {
    await using stand = await commandStand();
    const { handle } = await acquire(stand.own);
    const details = [{ typeUrl: "type.googleapis.com/acme.Declined", value: new Uint8Array([8, 1]) }];
    await stand.own.call(methods.fail, { handle, kind: 2, error: { code: 9, message: "declined", details } });
    const { out } = await stand.run(["keys", "get", ...NAMED, "--output", "json", "--result"]);
    const told = { code: 9, message: "declined", details: [{ "@type": details[0]?.typeUrl, value: "CAE=" }] };
    expect(JSON.parse(out)).toMatchObject({ error: told });
  });

  test("says that there is no such record, and how to find those that there are", async () => {
    await using stand = await commandStand();
    expect(await stand.run(["keys", "get", ...NAMED])).toEqual({
      ...{ code: 4, out: "" },
      error:
        "holdfast: there is no such record (RECORD_NOT_FOUND); " +
        '"holdfast keys list --scope charge" shows those that there are\n',
    });
  });
});

describe("keys get --result", () => {
  const completed = async (value: Uint8Array, contentType: string) => {
    const stand = await commandStand();
    const { handle } = await acquire(stand.own);
    await stand.own.call(methods.complete, { handle, result: { body: { case: "inline", value }, contentType } });
    return stand;
  };

  test("shows a text below the fields, line by line", async () => {
    await using stand = await completed(Buffer.from("first\nsecond\n"), "text/plain");
    expect((await stand.run(["keys", "get", ...NAMED, "--result"])).out).toMatch(/\n\nfirst\nsecond\n$/);
  });

  test.each([
    ["bytes", new Uint8Array([0, 255])],
    ["what would steer a terminal", Buffer.from("\u001b[2J")],
  ])("shows no %s, and says how to get them", async (_, bytes) => {
    await using stand = await completed(bytes, "image/png");
    expect((await stand.run(["keys", "get", ...NAMED, "--result"])).out).toMatch(
      /\n\n\(\d bytes, image\/png; --raw prints them, --output json has them in base64\)\n$/,
    );
    const json = await stand.run(["keys", "get", ...NAMED, "--result", "--output", "json"]);
    expect(JSON.parse(json.out).result.inline).toBe(Buffer.from(bytes).toString("base64"));
    const raw = await stand.run(["keys", "get", ...NAMED, "--raw"]);
    expect(raw).toEqual({ code: 0, out: Buffer.from(bytes).toString("latin1"), error: "" });
  });

  test("shows the error of a record that has failed", async () => {
    await using stand = await commandStand();
    await MADE.failed(stand.own);
    expect((await stand.run(["keys", "get", ...NAMED, "--result"])).out).toMatch(
      /\n\nERROR\nINVALID_ARGUMENT: no such card\n$/,
    );
    expect(await stand.run(["keys", "get", ...NAMED, "--raw"])).toMatchObject({
      code: 5,
      out: "",
      error: "holdfast: there are no bytes to print: it has no result\n",
    });
  });

  test("says that there is none yet", async () => {
    await using stand = await commandStand();
    await MADE.held(stand.own);
    expect((await stand.run(["keys", "get", ...NAMED, "--result"])).out).toMatch(/\n\n\(no result\)\n$/);
  });
});

describe("keys why", () => {
  test("explains a record of a server, with commands for it", async () => {
    await using stand = await commandStand();
    await MADE.unknown(stand.own, { owner: { service: "billing", instance: "w-7" }, externalRef: "pi_1" });
    const { code, out } = await stand.run(["keys", "why", ...NAMED, "--tenant", "default", "--server", stand.address]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^Record "evt_1" \(scope "charge"\) is stuck: nobody knows whether it was done, and nobody is finding out\.$/m,
    );
    expect(out).toContain("Nobody knows whether attempt 1 (billing/w-7) did its work.");
    expect(out).toContain(
      `holdfast keys resolve evt_1 --scope charge --tenant default --not-done --reason 'WHY' --server ${stand.address}\n`,
    );
  });

  test("prints the same for scripts, with what it was made from, and no secret", async () => {
    await using stand = await commandStand();
    await MADE.completed(stand.own);
    const { out } = await stand.run(["keys", "why", ...NAMED, "--output", "json", "--api-key", "k_1.secret"]);
    expect(JSON.parse(out)).toMatchObject({
      headline: "is done",
      standing: expect.any(Array),
      next: expect.any(Array),
      remedies: [{ command: "holdfast keys get evt_1 --scope charge --result" }, expect.anything()],
      timeline: { record: { state: "RECORD_STATE_COMPLETED" } },
    });
    expect(out).not.toContain("secret");
  });
});

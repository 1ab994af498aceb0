import { describe, expect, test } from "vitest";
import { runWith } from "./stand.ts";

const ONE = "k --scope s";
const CHANGE = `${ONE} --reason x`;

describe("what is not understood ends with 2, and nothing is sent", () => {
  test.each<[string, RegExp]>([
    ["", /^Usage: holdfast keys COMMAND/],
    ["lst", /unknown command "holdfast keys lst": did you mean "list"\?/],
    [
      "frobnicate",
      /unknown command "holdfast keys frobnicate": there are list, get, why, release, resolve, reset, purge\n/,
    ],
    ["show", /unknown command "holdfast keys show": did you mean "get"\?/],
    ["list k", /"holdfast keys list" does not take "k"/],
    ["list --limit 10000000", /--limit must be a whole number from 1 to 100000\n/],
    ["list --limit 0", /--limit must be a whole number from 1 to 100000\n/],
    ["list --limit -1", /--limit must be a whole number from 1 to 100000\n/],
    ["list --limit 5 --all", /--limit and --all contradict each other/],
    ["list --tenant a --all-tenants", /--tenant and --all-tenants contradict each other/],
    [
      "list --state done",
      /--state must be one of in-progress, available, completed, failed, outcome-unknown, expired, reconciling\n/,
    ],
    ["list --older-than 10", /--older-than must be a time such as 90s, 10m, 12h or 7d\n/],
    ["list --newer-than 1y", /--newer-than must be a time/],
    ["list --stuck=yes", /--stuck takes no value/],
    ["list --prefix", /--prefix needs a value: TEXT/],
    ["list --tenant Acme", /--tenant must be the id of a tenant: 1 to 63 of a-z, 0-9 and -\n/],
    ["list --stuck --state failed", /--stuck goes with --state in-progress, available or outcome-unknown/],
    ["list --older-than 2h --newer-than 1h", /--newer-than must be at least --older-than, or no record is both\n/],
    [
      "get -rf --scope s",
      /unknown flag "-r" of "holdfast keys get": .*; what begins with a dash .* goes last, behind --\n/,
    ],
    ["list --scop s", /unknown flag "--scop" of "holdfast keys list": did you mean --scope\?/],
    ["list --reason x", /unknown flag "--reason"/],
    [`list --scope ${"s".repeat(129)}`, /--scope must be a text of 1 to 128 bytes\n/],
    ["list --timeout x", /--timeout must be/],
    ["get k", /--scope is needed: a key names a record within it/],
    ["get --scope s", /"holdfast keys get" needs the KEY of a record/],
    ["get k l --scope s", /"holdfast keys get" does not take "l"/],
    [`get ${"k".repeat(513)} --scope s`, /KEY must be a text of 1 to 512 bytes/],
    ["why k --scope s --reason x", /unknown flag "--reason"/],
    [`release ${ONE}`, /--reason is needed: the audit log keeps it/],
    [`release ${ONE} --reason ${"x".repeat(257)}`, /--reason must be a text of 1 to 256 bytes, not white space only\n/],
    [`release ${CHANGE} --fence 0`, /--fence must be a whole number from 1\n/],
    [`release ${CHANGE} --fence 9223372036854775808`, /--fence must be a whole number from 1\n/],
    [`release ${CHANGE} --force`, /unknown flag "--force"/],
    [`resolve ${CHANGE}`, /: give one of --completed-text, .*, --not-done\n/],
    [
      `resolve ${CHANGE} --not-done --completed-text x`,
      /give one of .*, --not-done; --completed-text and --not-done were both given\n/,
    ],
    [
      `resolve ${CHANGE} --not-done --completed-text x --failed-message y`,
      /; --completed-text, --failed-message and --not-done were all given\n/,
    ],
    [`resolve ${CHANGE} --completed-json {`, /--completed-json must be a JSON value\n/],
    [`resolve ${CHANGE} --not-done --content-type x`, /--content-type goes with a result/],
    [`resolve ${CHANGE} --not-done --failed-code NOT_FOUND`, /--failed-code goes with --failed-message/],
    [`resolve ${CHANGE} --failed-message x --failed-code OK`, /--failed-code must be one of CANCELLED, UNKNOWN, /],
    [`purge --reason x`, /give one of the KEY of one record, --all-of-scope, --all-of-tenant\n/],
    [`purge k --reason x`, /--scope is needed/],
    [`purge k --scope s --all-of-scope --reason x`, /; the KEY of one record and --all-of-scope were both given\n/],
    [`purge --all-of-tenant --reason x --yes`, /--all-of-tenant needs --tenant: say whose records are to be deleted\n/],
    [`purge --scope s --all-of-tenant --reason x`, /--all-of-tenant takes no --scope/],
    [`purge --all-of-scope --reason x`, /--scope is needed/],
    [`purge --scope s --all-of-scope`, /--reason is needed/],
  ])("%s", async (line, expected) => {
    const { code, out, error } = await runWith(["keys", ...line.split(" ").filter((word) => word !== "")]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(error).toMatch(expected);
  });

  test("with everything that is wrong, at once", async () => {
    const { error } = await runWith(["keys", "release", "--limit", "x", "--fence", "y"]);
    expect(error.trimEnd().split("\n")).toHaveLength(4);
  });
});

test("behind -- nothing is a flag", async () => {
  const { code, error } = await runWith(["keys", "get", "--scope", "s", "--server", "127.0.0.1:1", "--", "--help"]);
  expect({ code, error }).toMatchObject({ code: 3, error: expect.stringContaining("no answer from 127.0.0.1:1") });
});

test("a reason of white space only is none", async () => {
  const { code, error } = await runWith(["keys", "release", "k", "--scope", "s", "--reason", " \t"]);
  expect({ code, error }).toEqual({
    code: 2,
    error: "holdfast: --reason must be a text of 1 to 256 bytes, not white space only\n",
  });
});

test.each(["list", "get", "why", "release", "resolve", "reset", "purge"])(
  "help on %s names its flags",
  async (name) => {
    const { code, out } = await runWith(["keys", name, "--help"]);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^Usage: holdfast keys ${name}`));
    expect(out).toMatch(/^ {2}--scope SCOPE$/m);
    expect(out.replaceAll(/\s+/g, " ")).toMatch(/Needs the role [a-z, ]*operate,? or admin\./);
  },
);

test("a purge or a force where nobody can be asked is refused before anything is sent", async () => {
  for (const line of [`purge ${CHANGE}`, `resolve ${CHANGE} --not-done --force`]) {
    const { code, error } = await runWith(["keys", ...line.split(" "), "--server", "127.0.0.1:1"]);
    expect({ code, error }).toEqual({
      code: 2,
      error: expect.stringMatching(/^holdfast: --yes is needed where nobody can be asked; nothing was changed\. /),
    });
  }
});

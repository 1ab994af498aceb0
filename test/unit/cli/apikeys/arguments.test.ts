import { describe, expect, test } from "vitest";
import { apiKeysFlagsHelp, readApiKeysArguments } from "../../../../src/cli/apikeys/arguments.ts";

const read = (line: string) => readApiKeysArguments(line.split(" ").filter((word) => word !== ""));

const problemsOf = (line: string) => {
  const found = read(line);
  return found.kind === "problems" ? found.problems : [];
};

test("create takes what a key is to be, and leaves the settings to others", () => {
  expect(
    read(
      "--server 127.0.0.1:1 create --tenant acme --roles claim,read --name=worker --lifetime 90d --tls --output json",
    ),
  ).toEqual({
    kind: "request",
    request: {
      kind: "create",
      tenant: "acme",
      roles: new Set(["claim", "read"]),
      name: "worker",
      lifetimeMs: 90 * 86_400_000,
    },
    settings: ["--server", "127.0.0.1:1", "--tls", "--output", "json"],
  });
});

test("create needs roles only", () => {
  expect(read("create --roles admin")).toEqual({
    kind: "request",
    request: { kind: "create", tenant: "", roles: new Set(["admin"]), name: "", lifetimeMs: null },
    settings: [],
  });
});

test.each([
  ["30s", 30_000],
  ["5m", 300_000],
  ["12h", 43_200_000],
  ["3650d", 3650 * 86_400_000],
])("a lifetime of %s is %d ms", (given, lifetimeMs) => {
  expect(read(`create --roles read --lifetime ${given}`)).toMatchObject({ request: { lifetimeMs } });
});

test("revoke takes an id and a reason", () => {
  expect(read("revoke Abc0123456789xyZ --reason lost --no-tls")).toEqual({
    kind: "request",
    request: { kind: "revoke", id: "Abc0123456789xyZ", reason: "lost" },
    settings: ["--no-tls"],
  });
});

test("of a whole key that was pasted, revoke sends the id only", () => {
  expect(read(`revoke hf_Abc0123456789xyZ.${"s".repeat(43)}`)).toMatchObject({ request: { id: "Abc0123456789xyZ" } });
});

test("list takes a tenant", () => {
  expect(read("list --tenant acme")).toEqual({
    kind: "request",
    request: { kind: "list", tenant: "acme" },
    settings: [],
  });
});

describe("a mistake is explained:", () => {
  test.each([
    ["", ['say what to do: "holdfast apikeys create", "revoke" or "list"']],
    ["crate", ['"holdfast apikeys" does not take "crate": did you mean "create"?']],
    ["something", ['"holdfast apikeys" does not take "something": there are create, revoke and list']],
    ["create", ["--roles must be one or several of claim, read, operate, admin, with commas between"]],
    ["create --roles", ["--roles needs a value: LIST"]],
    ["create --roles root", ["--roles must be one or several of claim, read, operate, admin, with commas between"]],
    ["create --roles read --lifetime 1y", ["--lifetime must be a time such as 30m, 12h or 90d"]],
    ["create --roles read --tenant --name=x", ["--tenant needs a value: TEXT"]],
    ["create --roles read surplus", ['"holdfast apikeys create" does not take so many words']],
    ["create --roles read --reason x", ['"holdfast apikeys create" does not take --reason']],
    ["revoke", ['say which key: "holdfast apikeys revoke KEY_ID"; "holdfast apikeys list" has them']],
    ["revoke a b", ['"holdfast apikeys revoke" does not take so many words']],
    ["revoke a --roles read", ['"holdfast apikeys revoke" does not take --roles']],
    [
      "list --tenat acme",
      [
        'unknown flag "--tenat" of "holdfast apikeys": did you mean --tenant?',
        '"holdfast apikeys list" does not take so many words',
      ],
    ],
    ["list --xyzzyxyzzy", ['unknown flag "--xyzzyxyzzy" of "holdfast apikeys": see "holdfast apikeys --help"']],
  ])("%s", (line, problems) => {
    expect(problemsOf(line)).toEqual(problems);
  });

  test("all at once", () => {
    expect(problemsOf("create --lifetime soon --reason x --nmae y")).toHaveLength(5);
  });

  test("without repeating what may be a secret", () => {
    const secret = "s".repeat(43);
    for (const line of [`create ${secret} --roles ${secret} --lifetime ${secret}`, `revoke a ${secret}`]) {
      expect(problemsOf(line).join("\n")).not.toContain(secret);
    }
  });
});

test("the help names every flag of its own", () => {
  for (const name of ["tenant", "roles", "name", "lifetime", "reason"])
    expect(apiKeysFlagsHelp()).toContain(`--${name} `);
});

import { expect, test } from "vitest";
import { readAuditArguments } from "../../../../src/cli/audit/arguments.ts";
import { audit } from "../../../../src/cli/audit.ts";

const HASH = "0123456789abcdef".repeat(4);

test("list goes without saying, and takes what it is given", () => {
  const request = { kind: "list", placement: null, tenant: null, scope: null, key: null, before: null, limit: 100 };
  expect(readAuditArguments([])).toMatchObject({ kind: "request", request, settings: [] });
  expect(readAuditArguments(["list", "--output", "json"])).toMatchObject({ request, settings: ["--output", "json"] });
  const given = [
    "--tenant",
    "acme",
    "--scope",
    "s",
    "--key=--k",
    "--limit",
    "5",
    "--before",
    "77",
    "--placement",
    "eu",
  ];
  expect(readAuditArguments(given)).toMatchObject({
    request: { placement: "eu", tenant: "acme", scope: "s", key: "--k", before: 77n, limit: 5 },
  });
});

test("verify takes one head for each database", () => {
  const read = readAuditArguments(["verify", "--expect-head", `7:${HASH}`, "--expect-head", `eu=8:${HASH}`]);
  const hash = Buffer.from(HASH, "hex");
  expect(read).toMatchObject({
    request: {
      kind: "verify",
      expected: new Map([
        ["main", { sequence: 7n, hash }],
        ["eu", { sequence: 8n, hash }],
      ]),
    },
  });
  const only = readAuditArguments(["verify", "--placement", "eu", "--expect-head", `8:${HASH}`]);
  expect(only).toMatchObject({ request: { expected: new Map([["eu", { sequence: 8n, hash }]]) } });
});

const REFUSED: readonly (readonly [args: string, ...words: readonly string[]])[] = [
  ["lst", '"lst"', "list or verify"],
  ["list verify", '"verify"'],
  ["--scope s", "--scope needs --tenant"],
  ["--tenant t --key k", "--key needs --scope"],
  ["--tenant=", "--tenant must be a text that is not empty"],
  ["--limit 0", "--limit must be a whole number from 1 to 1000000"],
  ["--limit 1000001", "--limit must be"],
  ["--limit ten --before -", "--limit must be", "--before must be"],
  ["--before 0", "--before must be a whole number"],
  ["--expect-head 1:2", '"--expect-head"'],
  ["verify --limit 5", '"--limit"'],
  ["verify --expect-head 1:2", "--expect-head must be NUMBER:HASH"],
  [`verify --expect-head 7:${HASH} --expect-head main=7:${HASH}`, "must be given once for main"],
  [`verify --placement eu --expect-head us=7:${HASH}`, "leaves only eu"],
  ["--tenant a --tenant b", "--tenant must be given once"],
];

test.each(REFUSED)("%s is refused, and why is said", (args, ...words) => {
  const read = readAuditArguments(args.split(" "));
  expect(read.kind).toBe("problems");
  const said = read.kind === "problems" ? read.problems.join("\n") : "";
  for (const word of words) expect(said).toContain(word);
});

test.each([
  [["--placement", "us"], '--placement: no database is called "us"; there are main, eu'],
  [["verify", "--expect-head", `us=7:${HASH}`], '--expect-head: no database is called "us"; there are main, eu'],
])("a database that was not named is refused before any is asked: %s", async (args, said) => {
  const errors: string[] = [];
  const io = { out: () => undefined, error: (text: string) => void errors.push(text), terminal: false };
  const dead = "postgresql://holdfast@127.0.0.1:1/holdfast";
  const env = { HOLDFAST_DATABASE_URL: dead, HOLDFAST_PLACEMENTS: `eu=${dead}` };
  expect(await audit(args, { ...io, env })).toBe(2);
  expect(errors.join("")).toContain(said);
});

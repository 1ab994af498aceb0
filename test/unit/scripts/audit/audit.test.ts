import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { DAYS_MAX, type Exception, lastDay, readExceptions } from "../../../../scripts/audit/exceptions.ts";
import { LOCKS } from "../../../../scripts/audit/locks.ts";
import { readAnswer } from "../../../../scripts/audit/report.ts";
import { EXIT_CODES, judge, together } from "../../../../scripts/audit/verdict.ts";

// The JSON beside this file is what npm 11.19 printed: about a small project with old packages, asked of a registry that
// has these advisories, and where something is missing.
const read = (name: string) => readFileSync(join(import.meta.dirname, `${name}.json`), "utf8");
const answers = (shipped: string, everything: string) => [readAnswer(read(shipped)), readAnswer(read(everything))];

const TODAY = "2026-11-01";
const except = (id: string, until = "2026-12-01"): Exception => ({ id, why: "never called with input", until });
const IN_MINIMIST = [except("GHSA-vh95-rmgr-6w4m"), except("GHSA-xvch-5gvf-6vvg")];
const IN_LODASH = except("GHSA-35jh-r3h4-6jhm");
const ALL = [...IN_MINIMIST, IN_LODASH];

test("what is known against what is shipped counts from low on, and against everything else from high on, each once", () => {
  const { kind, lines } = judge(answers("shipped", "everything"), [], TODAY);
  expect(kind).toBe("problems");
  expect(lines).toEqual([
    "GHSA-vh95-rmgr-6w4m (moderate) minimist <0.2.1: Prototype Pollution in minimist; in node_modules/minimist",
    "GHSA-xvch-5gvf-6vvg (critical) minimist <0.2.4: Prototype Pollution in minimist; in node_modules/minimist",
    "GHSA-35jh-r3h4-6jhm (high) lodash <4.17.21: Command Injection in lodash; in node_modules/lodash",
  ]);
});

test("what is excepted is said, with its reason, and does not fail", () => {
  const { kind, lines } = judge(answers("shipped", "everything"), ALL, TODAY);
  expect(kind).toBe("clean");
  expect(lines).toEqual([
    "excepted until 2026-12-01: GHSA-vh95-rmgr-6w4m: never called with input",
    "excepted until 2026-12-01: GHSA-xvch-5gvf-6vvg: never called with input",
    "excepted until 2026-12-01: GHSA-35jh-r3h4-6jhm: never called with input",
    "Nothing else is known of low severity or worse against what is shipped, nor of high severity or worse against everything.",
  ]);
});

test.each([
  ["on its last day it holds", "2026-11-01", []],
  [
    "a day later it does not",
    "2026-10-31",
    ["the exception of GHSA-35jh-r3h4-6jhm has ended on 2026-10-31: look at it again"],
  ],
  [
    "one for ever is none",
    "2999-01-01",
    [`the exception of GHSA-35jh-r3h4-6jhm is until 2999-01-01; at most ${DAYS_MAX} days, until 2027-04-30`],
  ],
  ["the longest holds", lastDay(TODAY), []],
])("an exception has a day: %s", (_what, until, problems) => {
  const exceptions = [...IN_MINIMIST, { ...IN_LODASH, until }];
  const { kind, lines } = judge(answers("shipped", "everything"), exceptions, TODAY);
  expect(kind).toBe(problems.length > 0 ? "problems" : "clean");
  if (problems.length > 0) expect(lines).toEqual(problems);
});

test.each([
  ["nothing is known any more", "GHSA-35jh-r3h4-6jhm", "clean"],
  ["only what counts needs one", "GHSA-w9mr-4mfr-499f", "everything"],
])("an exception that nothing needs fails: %s", (_what, id, everything) => {
  const exceptions = everything === "clean" ? [except(id)] : [...ALL, except(id)];
  const shipped = everything === "clean" ? "clean" : "shipped";
  expect(judge(answers(shipped, everything), exceptions, TODAY)).toEqual({
    kind: "problems",
    lines: [`the exception of ${id} is needed no longer: remove it`],
  });
});

test.each([
  ["no-endpoint", /405 Method Not Allowed/],
  ["no-network", /ENOTFOUND registry\.npmjs\.org/],
])("a registry that does not answer is told, and judges nothing: %s", (name, why) => {
  const { kind, lines } = judge(answers(name, name), ALL, TODAY);
  expect(kind).toBe("unreached");
  expect(lines).toEqual([
    expect.stringMatching(/^NOT AUDITED, for the registry has no answer: what is shipped: /),
    expect.stringMatching(why),
  ]);
});

test("what one answer tells counts although the other one is missing", () => {
  const { kind, lines } = judge(answers("shipped", "no-network"), [], TODAY);
  expect(kind).toBe("problems");
  expect(lines).toHaveLength(3);
  expect(lines[2]).toMatch(/^NOT AUDITED.*: everything: /);
});

test.each([
  ["no-lock", read("no-lock"), /ENOLOCK/],
  ["another report", '{"auditReportVersion":3}', /its report is of version 3/],
  ["no JSON", "usage: npm audit", /no JSON that is understood: "usage: npm audit"/],
  ["nothing", "", /no JSON that is understood: ""/],
])("a question that npm cannot answer is no success: %s", (_what, printed, why) => {
  const { kind, lines } = judge([readAnswer(read("clean")), readAnswer(printed)], [], TODAY);
  expect(kind).toBe("unusable");
  expect(lines).toEqual([expect.stringMatching(why)]);
});

test.each([
  ["{}", "the exceptions must be a list of { id, why, until }"],
  ["[1]", "exception 1 must be { id, why, until }"],
  ['[{"id":"x","until":"2027-01-01"}]', 'exception 1 needs "why", a text that is not empty'],
  ['[{"id":"x","why":" ","until":"2027-01-01"}]', 'exception 1 needs "why", a text that is not empty'],
  ['[{"id":"x","why":"y","until":"soon"}]', 'exception 1 has until "soon"; it must be a day, as 2027-01-31'],
  [
    '[{"id":"x","why":"y","until":"2027-02-30"}]',
    'exception 1 has until "2027-02-30"; it must be a day, as 2027-01-31',
  ],
  ['[{"id":"x","why":"y","till":"2027-02-01"}]', 'exception 1 has "till"; there are id, why, until'],
  [JSON.stringify([except("x"), except("x")]), "exceptions 1 and 2 are both of x; one is enough"],
])("%s is refused with what is allowed", (text, message) => {
  expect(() => readExceptions(text)).toThrow(new Error(message));
});

test("the exceptions that there are can be read, and each lock has its own", () => {
  for (const { exceptions } of LOCKS)
    expect(() => readExceptions(readFileSync(`scripts/${exceptions}`, "utf8")), exceptions).not.toThrow();
  expect(new Set(LOCKS.map(({ exceptions }) => exceptions)).size).toBe(LOCKS.length);
});

test("every lock file of the tree is asked about", () => {
  const found = globSync("**/package-lock.json", { exclude: (path) => path.split("/").includes("node_modules") });
  const places = found.map((file) => dirname(file)).toSorted();
  expect(LOCKS.map(({ directory }) => directory).toSorted()).toEqual(places);
});

test("what is known of what lies aside fails, and says where it lies", () => {
  const { status, stdout } = runAudit("clean", "clean", [], "everything");
  expect(stdout).toContain(".: Nothing is known of low severity or worse against what is shipped");
  expect(stdout).toContain("bench/peers: GHSA-35jh-r3h4-6jhm (high) lodash");
  expect(stdout).toContain("proof/stryker: GHSA-35jh-r3h4-6jhm (high) lodash");
  expect(status).toBe(EXIT_CODES.problems);
});

test.each([
  [["clean", "unreached"], "unreached"],
  [["unreached", "unusable"], "unusable"],
  [["unusable", "problems"], "problems"],
  [["clean", "clean"], "clean"],
] as const)("the worst verdict stands: %j are %s", (kinds, worst) => {
  expect(together(kinds.map((kind) => ({ kind, lines: ["so"], directory: kind })))).toEqual({
    ...{ kind: worst, lines: kinds.map((kind) => `${kind}: so`) },
  });
});

function runAudit(shipped: string, everything: string, args: readonly string[] = [], aside = "clean") {
  const env = {
    ...{ PATH: process.env["PATH"], npm_execpath: join(import.meta.dirname, "npm.mjs") },
    ...{ ANSWER_SHIPPED: shipped, ANSWER_EVERYTHING: everything, ANSWER_ASIDE: aside },
  };
  const none = ["--exceptions", join(import.meta.dirname, "no-exceptions.json")];
  return spawnSync(process.execPath, ["scripts/audit.ts", ...none, ...args], { env, encoding: "utf8" });
}

test.each([
  ["clean", "clean", EXIT_CODES.clean, "Nothing is known of low severity"],
  ["shipped", "everything", EXIT_CODES.problems, "GHSA-35jh-r3h4-6jhm (high) lodash"],
  ["clean", "no-lock", EXIT_CODES.unusable, "npm audit cannot be run for everything: ENOLOCK"],
  ["no-network", "no-network", EXIT_CODES.unreached, "NOT AUDITED"],
])("the exit code tells which it was: %s, %s: %d", (shipped, everything, code, words) => {
  const { status, stdout } = runAudit(shipped, everything);
  expect(stdout).toContain(words);
  expect(status).toBe(code);
});

test.each([
  [["--fix"], "audit: Unknown option '--fix'; the flags are --exceptions, --help\nSee npm run audit -- --help\n"],
  [["--exceptions="], "audit: --exceptions takes the name of a file\nSee npm run audit -- --help\n"],
])("%j is refused with what is allowed, and nothing is judged", (args, why) => {
  const { status, stdout, stderr } = runAudit("clean", "clean", args);
  expect({ status, stdout, stderr }).toEqual({ status: EXIT_CODES.unusable, stdout: "", stderr: why });
});

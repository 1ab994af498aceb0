import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CommandCheck, Mutant } from "../../../../proof/mutants/mutant.ts";
import { MUTANTS } from "../../../../proof/mutants/mutants.ts";
import { runCheck, type VitestReport, vitestFinding } from "../../../../proof/mutants/run.ts";
import { unloadedOf } from "../../../../proof/mutants/sound.ts";
import type { Tree } from "../../../../proof/mutants/tree.ts";

const treeAt = (path: string): Tree => ({ path, main: "", env: {}, [Symbol.asyncDispose]: async () => undefined });

const SHOWS = /^\d+ ends are lost/;

describe("a check by a command", () => {
  let path: string;
  const scripts = {
    lost: 'console.log("looking"); console.log("3 ends are lost"); process.exitCode = 1;',
    whole: 'console.log("0 ends are lost");',
    "does-not-parse": "const ends = [1 2];",
    throws: 'throw new Error("no store");',
    gives: 'console.log("3 ends are lost"); process.exitCode = 2;',
  };
  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), "holdfast-findings-"));
    for (const [name, text] of Object.entries(scripts)) await writeFile(join(path, `${name}.ts`), text);
  });
  afterAll(() => rm(path, { recursive: true, force: true }));

  const run = (name: keyof typeof scripts) => {
    const check: CommandCheck = { kind: "command", layer: "crash", args: [`${name}.ts`], shows: SHOWS };
    return runCheck(treeAt(path), check);
  };

  test("kills by what the mutant does", async () => {
    expect(await run("lost")).toEqual({ kind: "failed", by: "lost.ts", why: "3 ends are lost" });
    expect(await run("whole")).toEqual({ kind: "passed" });
  });

  test.each([
    ["does-not-parse", /^it fails, but not as this mutant must, by .*SyntaxError/s],
    ["throws", /^it fails, but not as this mutant must, by .*no store/s],
    ["gives", /^ended with 2: 3 ends are lost/],
  ] as const)("shows nothing where it breaks off: %s", async (name, why) => {
    expect(await run(name)).toEqual({ kind: "broken", why: expect.stringMatching(why) });
  });
});

describe("a check by a test", () => {
  const report = (status: string, ...failureMessages: string[]): VitestReport => ({
    testResults: [{ message: "", assertionResults: [{ fullName: "an end is kept", status, failureMessages }] }],
  });
  const shows = /expected 'taken' to be 'refused'/;

  test("kills by what its assertion says", () => {
    const failed = report("failed", "AssertionError: expected 'taken' to be 'refused'\n    at a.test.ts:3");
    const why = "AssertionError: expected 'taken' to be 'refused'";
    expect(vitestFinding(failed, "", shows)).toEqual({ kind: "failed", by: "an end is kept", why });
    expect(vitestFinding(report("passed"), "", shows)).toEqual({ kind: "passed" });
  });

  test("kills by what differs, and by what an error was caused by", () => {
    const failed = report("failed", "AssertionError: expected { …(22) } to deeply equal { …(22) }");
    const output = ['  -   "kind": "fault",', '  +   "kind": "ended",', "Caused by: Error: undecided"].join("\n");
    expect(vitestFinding(failed, output, /^\+ .*"ended"/)).toMatchObject({
      kind: "failed",
      why: '+   "kind": "ended",',
    });
    expect(vitestFinding(failed, output, /^Caused by: .*undecided/)).toMatchObject({ kind: "failed" });
  });

  test("shows nothing where it fails for anything else, whatever its own text says", () => {
    const failed = report("failed", "Fault: The store does not answer.");
    const output = `Caused by: DatabaseError: syntax error at or near "inn"\n  12|  // expected 'taken' to be 'refused'`;
    expect(vitestFinding(failed, output, shows)).toEqual({
      kind: "broken",
      why: expect.stringContaining("it fails, but not as this mutant must"),
    });
    expect(vitestFinding(report("skipped"), "", shows)).toMatchObject({ kind: "broken" });
  });
});

describe("a mutant whose module cannot be loaded is none", () => {
  const LOADS = "proof/mutants/checks/loads.ts";
  let path: string;
  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), "holdfast-loads-"));
    await cp(join(import.meta.dirname, "../../../..", LOADS), join(path, LOADS));
    const texts = {
      "does-not-parse": "const ends = [1 2];",
      throws: 'throw new Error("no store");',
      loads: "export {};",
    };
    for (const [name, text] of Object.entries(texts)) await writeFile(join(path, `${name}.ts`), text);
    await writeFile(join(path, "package.json"), '{ "type": "module" }');
  });
  afterAll(() => rm(path, { recursive: true, force: true }));

  test.each([
    ["does-not-parse.ts", /^does-not-parse\.ts cannot be loaded: .*SyntaxError/s],
    ["throws.ts", /^throws\.ts cannot be loaded: Error: no store/],
    ["loads.ts", null],
    ["statements.sql", null],
  ])("%s", async (file, why) => {
    const mutant: Mutant = {
      ...{ id: "some", name: "changes it", killedBy: [] },
      patches: [{ file, find: "", replace: "" }],
    };
    const found = await unloadedOf(treeAt(path), mutant);
    if (why === null) expect(found).toBeNull();
    else expect(found).toMatch(why);
  });
});

test("what a mutant shows is read line by line, and nothing is remembered from one line to the next", () => {
  for (const { id, killedBy } of MUTANTS)
    for (const { shows } of killedBy) {
      expect(shows.flags, id).toBe("");
      expect(shows.test(""), id).toBe(false);
      for (const line of ["SyntaxError: Unexpected token", "Fault: The store does not answer.", "Error"])
        expect(shows.test(line), `${id}: ${shows} of ${line}`).toBe(false);
    }
});

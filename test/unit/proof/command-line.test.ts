import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { oneOf, parse, SWITCH, TEXT, writeOut } from "../../../proof/command-line.ts";

const read = (...args: readonly string[]) =>
  parse({ args, flags: { fast: SWITCH, name: TEXT } }, (values) => ({ kind: "run", ...values }));

test("what was given is read, and help is given whatever else is said", () => {
  expect(read("--fast", "--name", "one")).toEqual({ kind: "run", fast: true, name: "one" });
  expect(read("--fast", "--help", "--name=")).toEqual({ kind: "help" });
});

test.each([
  [["--slow"], "Unknown option '--slow'; the flags are --fast, --name, --help"],
  [["--name"], "Option '--name <value>' argument missing; the flags are --fast, --name, --help"],
  [["one"], "Unexpected argument 'one'; the flags are --fast, --name, --help"],
])("%j is refused with the flags that there are", (args, why) => {
  expect(read(...args)).toMatchObject({ kind: "refused", why: expect.stringContaining(why.split(";")[0] ?? "") });
  expect(read(...args)).toMatchObject({ why: expect.stringContaining("; the flags are --fast, --name, --help") });
});

test("of two names either is said to be allowed, of more one", () => {
  expect(() => oneOf("--size", "x", ["small", "full"])).toThrow(/^--size takes small or full$/);
  expect(() => oneOf("--size", "x", ["a", "b", "c"])).toThrow(/^--size takes one of a, b, c$/);
});

test("a report is written below a directory that was not there", () => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-out-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const out = join(directory, "docs", "report.json");
  writeOut(out, { found: 0 });
  expect(readFileSync(out, "utf8")).toBe('{\n  "found": 0\n}\n');
});

const MODULE = new URL("../../../proof/command-line.ts", import.meta.url).href;
const program = (parsed: string, run: string) => {
  const script = `import { runProgram } from ${JSON.stringify(MODULE)};
    const program = { name: "races", command: "npm run races --", help: "All about it.\\n" };
    await runProgram(program, ${parsed}, async () => ${run});`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
};

test("a program ends with what its run has come to, and with 2 where it could not run", () => {
  expect(program('{ kind: "help" }', "1")).toEqual({ status: 0, stdout: "All about it.\n", stderr: "" });
  expect(program('{ kind: "refused", why: "--x takes y" }', "1")).toEqual({
    ...{ status: 2, stdout: "", stderr: "races: --x takes y\nSee npm run races -- --help\n" },
  });
  expect(program('{ kind: "run", options: {} }', "1").status).toBe(1);
  const broken = program('{ kind: "run" }', '{ throw new Error("no database", { cause: new Error("no port") }); }');
  expect(broken).toMatchObject({ status: 2, stdout: "", stderr: expect.stringMatching(/^races: Error: no database/) });
  expect(broken.stderr).toContain("[cause]: Error: no port");
});

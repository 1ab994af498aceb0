import { expect, test } from "vitest";
import { HELP, parseOptions } from "../../../../proof/mutants/options.ts";

test("all mutants are run, after each check has been seen to pass, unless told otherwise", () => {
  expect(parseOptions([])).toEqual({
    kind: "run",
    options: { only: null, honest: true, json: false, out: null },
  });
});

test("some mutants can be named, in one flag or in several", () => {
  const parsed = parseOptions(["--only", "M3,M14", "--only", "no-guard", "--no-honest", "--json", "--out", "f.json"]);
  const only = ["M3", "M14", "no-guard"];
  expect(parsed).toEqual({ kind: "run", options: { only, honest: false, json: true, out: "f.json" } });
});

test("the help names every flag and every kind of end", () => {
  for (const flag of ["only", "no-honest", "json", "out", "help"]) expect(HELP).toContain(`--${flag}`);
  expect(HELP).toContain("Exits with 0");
  expect(parseOptions(["--help", "--only", "M99"])).toEqual({ kind: "help" });
});

test.each([
  [["--only", "M99"], "--only takes ids of mutants, such as M3,M4; they are M1, M2,"],
  [["--only", "M3,"], "--only takes ids of mutants"],
  [["--out", ""], "--out takes the name of a file"],
  [["--jsno"], "the flags are --only, --no-honest, --json, --out, --help"],
  [["M3"], "the flags are --only"],
])("%j is refused, with what is allowed", (args, why) => {
  expect(parseOptions(args)).toMatchObject({ kind: "refused", why: expect.stringContaining(why) });
});

import { expect, test } from "vitest";
import { parseOptions } from "../../../../proof/history/options.ts";

test("files and flags are taken in any order", () => {
  expect(parseOptions(["one", "--json", "--timeout", "5", "two", "--visualize", "drawn"])).toEqual({
    kind: "run",
    options: { files: ["one", "two"], json: true, visualize: "drawn", timeoutSeconds: 5 },
  });
});

test("help is given whatever else is said", () => {
  expect(parseOptions(["--help"])).toEqual({ kind: "help" });
});

test.each([
  [[], "no FILE was named"],
  [["--timeout", "0", "one"], "--timeout takes seconds: a number above 0, up to 3600"],
  [["--timeout", "soon", "one"], "--timeout takes seconds: a number above 0, up to 3600"],
  [["--jsno", "one"], "the flags are --json, --visualize, --timeout, --help"],
])("%j is refused, with what is allowed", (args, why) => {
  expect(parseOptions(args)).toMatchObject({ kind: "refused", why: expect.stringContaining(why) });
});

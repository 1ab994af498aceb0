import { expect, test } from "vitest";
import { HELP, parseOptions } from "../../../../proof/stryker/options.ts";

const optionsOf = (...args: readonly string[]) => {
  const parsed = parseOptions(args);
  if (parsed.kind !== "run") throw new Error("it does not run");
  return parsed.options;
};

test("both parts are changed, all of their files, unless told otherwise", () => {
  const { parts, json, out } = optionsOf();
  expect({ json, out }).toEqual({ json: false, out: null });
  expect(parts.map(({ part }) => part)).toEqual(["domain", "store"]);
  const [domain, store] = parts.map(({ files }) => files);
  expect(domain).toEqual(expect.arrayContaining(["src/domain/key.ts", "src/domain/reducer/claim.ts"]));
  expect(store).toEqual(expect.arrayContaining(["src/store/postgres/packed-row.ts", "src/store/postgres/instant.ts"]));
  expect(store).toHaveLength(9);
});

test("one part can be named, or files", () => {
  expect(optionsOf("--part", "store", "--json", "--out", "f")).toMatchObject({
    ...{ parts: [{ part: "store" }], json: true, out: "f" },
  });
  expect(optionsOf("--only", "src/domain/{key,stuck}.ts", "--only", "src/**/packed-row.ts").parts).toEqual([
    { part: "domain", files: ["src/domain/key.ts", "src/domain/stuck.ts"] },
    { part: "store", files: ["src/store/postgres/packed-row.ts"] },
  ]);
  expect(optionsOf("--only", "src/domain/key.ts").parts).toHaveLength(1);
});

test("the help names every flag and every kind of end", () => {
  for (const flag of ["part", "only", "json", "out", "help"]) expect(HELP).toContain(`--${flag}`);
  expect(HELP).toContain("Exits with 0");
  expect(parseOptions(["--help", "--only", "x"])).toEqual({ kind: "help" });
});

test.each([
  [["--part", "client"], "--part takes domain or store"],
  [["--only", "src/main.ts"], "--only takes files among src/domain/**/*.ts, src/store/postgres/{packed-row,"],
  [["--only", "src/domain/key.ts", "--only", "src/domain/kye.ts"], 'and "src/domain/kye.ts" is none'],
  [["--part", "store", "--only", "src/domain/key.ts"], "--only takes files among src/store/postgres/{packed-row,"],
  [["--out", ""], "--out takes the name of a file"],
  [["--onyl", "x"], "the flags are --part, --only, --json, --out, --help"],
])("%j is refused, with what is allowed", (args, why) => {
  expect(parseOptions(args)).toMatchObject({ kind: "refused", why: expect.stringContaining(why) });
});

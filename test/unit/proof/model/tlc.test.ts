import { readFile } from "node:fs/promises";
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { brokenBy, MUTANT_NAMES } from "../../../../proof/model/mutants.ts";
import { TLC_STATES } from "../../../../proof/model/tlc/documented.ts";
import { memberOf } from "../../../../proof/model/tlc/jar.ts";
import { readOutput } from "../../../../proof/model/tlc/output.ts";
import { configurationsOf } from "../../../../proof/model/tlc/run.ts";

const MODEL = new URL("../../../../proof/model/", import.meta.url);
const read = (path: string) => readFile(new URL(path, MODEL), "utf8");

/** Only the explorer gives leases back. */
const WITHOUT_TLC = ["no-guard"];

test("each mutant has a configuration of its name, which takes out that and nothing else", async () => {
  const names = await configurationsOf("mutants");
  expect(names.toSorted()).toEqual(MUTANT_NAMES.filter((name) => !WITHOUT_TLC.includes(name)).toSorted());
  for (const name of names) expect(await read(`tlc/mutants/${name}.cfg`)).toContain(`  Mutant = "${name}"\n`);
});

test("each configuration that must hold has a number of states, which is documented", async () => {
  for (const size of ["small", "full"] as const) {
    expect((await configurationsOf(size)).toSorted()).toEqual(Object.keys(TLC_STATES[size]).toSorted());
  }
});

test("each mutant's configuration looks at the promise that it must break", async () => {
  for (const name of MUTANT_NAMES.filter((each) => !WITHOUT_TLC.includes(each))) {
    expect(await read(`tlc/mutants/${name}.cfg`)).toMatch(new RegExp(`^  ${brokenBy(name, "tlc")}$`, "m"));
  }
});

test("the specification knows each mutant by its name", async () => {
  const specification = await read("Holdfast.tla");
  for (const name of await configurationsOf("mutants")) expect(specification).toContain(`"${name}"`);
});

test("each configuration says what every constant is, and nothing is taken out of those that must hold", async () => {
  const block = /CONSTANTS\n([\s\S]*?)\n\nVARIABLES/.exec(await read("Holdfast.tla"))?.[1] ?? "";
  const constants = block.replaceAll(/\\\*.*/g, "").match(/\w+/g) ?? [];
  expect(constants).toContain("Mutant");
  for (const group of ["small", "full", "mutants"] as const) {
    for (const name of await configurationsOf(group)) {
      const text = await read(`tlc/${group}/${name}.cfg`);
      for (const constant of constants) expect(text, `${group}/${name}`).toMatch(new RegExp(`^  ${constant} = `, "m"));
      if (group !== "mutants") expect(text).toContain('  Mutant = "none"\n');
    }
  }
});

describe("of what TLC prints", () => {
  const COUNTS = [
    "Progress(9) at 2026-11-22 19:37:57: 1,630 states generated (1,630 s/min), 717 distinct states found, 439 left",
    "280773 states generated, 83705 distinct states found, 0 states left on queue.",
    "The depth of the complete state graph search is 26.",
  ].join("\n");

  test("the counts and the verdict are read", () => {
    expect(readOutput(`Model checking completed. No error has been found.\n${COUNTS}`)).toEqual({
      ...{ generated: 280_773, distinct: 83_705, depth: 26, verdict: { kind: "kept" } },
    });
  });

  test.each([
    ["Error: Invariant RestingKnows is violated.", "RestingKnows"],
    ["Error: Action property EndsStay is violated.", "EndsStay"],
    ["Error: Temporal properties were violated.", "Answered"],
  ])("%s names the promise, with the actions that led there", (line, promise) => {
    const trace = "State 1: <Initial predicate>\nState 2: <Begin line 126, col 3 to line 130>\nState 3: Stuttering";
    expect(readOutput(`${line}\n${trace}\n${COUNTS}`).verdict).toEqual({
      ...{ kind: "violated", promise, trace: ["Begin", "Stuttering"] },
    });
  });

  test("what is neither is undecided, and why", () => {
    expect(readOutput("Error: TLC threw an unexpected exception.").verdict).toEqual({
      ...{ kind: "failed", why: "Error: TLC threw an unexpected exception." },
    });
    expect(readOutput("").verdict).toEqual({ kind: "failed", why: "TLC ended without a verdict" });
  });
});

describe("of a wheel", () => {
  test("a file is found by its name, packed or not", () => {
    const archive = zip([
      ["a/first", Buffer.from("one"), false],
      ["a/second", Buffer.from("two, and two, and two"), true],
    ]);
    expect(memberOf(archive, "a/first").toString()).toBe("one");
    expect(memberOf(archive, "a/second").toString()).toBe("two, and two, and two");
  });

  test("what is not there is named", () => {
    expect(() => memberOf(zip([]), "a/jar")).toThrow("the archive has no a/jar");
    expect(() => memberOf(Buffer.from("<html>"), "a/jar")).toThrow("this is no ZIP archive");
  });
});

function zip(files: readonly (readonly [name: string, content: Buffer, isPacked: boolean])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content, isPacked] of files) {
    const body = isPacked ? deflateRawSync(content) : content;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(isPacked ? 8 : 0, 10);
    entry.writeUInt32LE(body.length, 20);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, Buffer.from(name));
    parts.push(local, Buffer.from(name), body);
    offset += local.length + name.length + body.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { below, cacheOf, versionOf } from "../../conformance/drivers/tool.ts";
import { prepareDriver } from "../../conformance/drivers.ts";
import { type ServerProcess, startServer } from "../process/server.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

const run = promisify(execFile);

/** To fetch what a language's example needs, and to compile it. */
const BUILD_MS = 300_000;

/** How an example is run; or why it cannot be run here. */
type Example = { readonly call: () => Promise<string> } | { readonly leftOut: string };

const README = await readFile(below("README.md"), "utf8");
const [go, python] = await Promise.all([prepareDriver("go"), prepareDriver("python")]);
const maven = await versionOf("mvn", ["--version"]);

let scratch: string;
let database: TestDatabase;
let server: ServerProcess;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "holdfast-examples-"));
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
  if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
});

/** The block of the README that connects in this language, as it is printed. */
function printed(language: string, connects: string): string {
  const blocks = [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))];
  const block = blocks.map(([, code]) => code ?? "").find((code) => code.includes(connects));
  if (block === undefined) throw new Error(`the README has no example in ${language}`);
  return block;
}

const PROGRAMS = [
  { language: "ts", connects: "createClient(", file: "examples/typescript/once.ts" },
  { language: "python", connects: "holdfast.connect(", file: "examples/python/once.py" },
  { language: "go", connects: "holdfast.Dial(", file: "examples/go/main.go" },
];

test.each(PROGRAMS)("the README prints $file as it is", async ({ language, connects, file }) => {
  expect(printed(language, connects)).toBe(await readFile(below(file), "utf8"));
});

const EXAMPLES: readonly (readonly [string, Example])[] = [
  ["typescript", { call: () => tell(process.execPath, [below("examples/typescript/once.ts"), server.grpc]) }],
  ["python", python.command === undefined ? { leftOut: String(python.leftOut) } : { call: callPython }],
  ["go", go.command === undefined ? { leftOut: String(go.leftOut) } : { call: callGo }],
  ["java", maven === undefined ? { leftOut: "left out: there is no Maven" } : { call: callJava }],
];

const leftOut = EXAMPLES.flatMap(([, example]) => ("leftOut" in example ? [example.leftOut] : []));

// One after the other, of one order: so the first does the work, and all others get what it has stored.
test(
  `examples in all languages are one piece of work ${leftOut.map((why) => `(${why})`).join(" ")}`,
  async () => {
    const told: string[] = [];
    for (const [, example] of EXAMPLES) {
      if ("leftOut" in example) continue;
      told.push(await example.call(), await example.call());
    }
    const [first = "", ...others] = told;
    expect(first).toMatch(/^charging order-1042: attempt 1, fence \d+\ncharged now: \S+\n$/);
    const chargeId = /charged now: (\S+)/.exec(first)?.[1] ?? "";
    for (const other of others) expect(other).toMatch(new RegExp(`^charged before: .*${chargeId}`));
  },
  BUILD_MS,
);

test.runIf(maven !== undefined)(
  "two of the example in Java at once do the work once",
  async () => {
    const copy = join(scratch, "java");
    const main = join(copy, "src/main/java/example/Main.java");
    await cp(below("examples/java"), copy, { recursive: true, filter: (path) => !path.endsWith("/target") });
    await writeFile(main, (await readFile(main, "utf8")).replaceAll("order-1042", "order-1043"));
    const own = ["-f", copy, `-Dproto.root=${below("proto")}`, `-Dtarget=${join(scratch, "built")}`];
    await tell("mvn", [...QUIET, ...own, "compile"]);
    const call = () => tell("mvn", [...QUIET, ...own, "exec:java", `-Dexec.args=${server.grpc}`]);
    const told = (await Promise.all([call(), call()])).sort();
    expect(told).toEqual([expect.stringMatching(/^charged before: /), expect.stringContaining("charged now: ")]);
  },
  BUILD_MS,
);

async function callPython(): Promise<string> {
  const { command, env = {} } = python.command ?? { command: "" };
  return await tell(command, ["-W", "error", below("examples/python/once.py"), server.grpc], env);
}

function callGo(): Promise<string> {
  return tell("go", ["-C", below("examples/go"), "run", ".", server.grpc]);
}

const QUIET = ["--quiet", "--batch-mode", "--no-transfer-progress"];
const MAVEN = [...QUIET, "-f", below("examples/java"), `-Dtarget=${cacheOf("java")}`];

function callJava(): Promise<string> {
  return tell("mvn", [...MAVEN, "compile", "exec:java", `-Dexec.args=${server.grpc}`]);
}

/** What it prints. Maven resets colours where there are none. */
async function tell(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { stdout } = await run(command, [...args], { env: { ...process.env, ...env }, timeout: BUILD_MS });
  return stripVTControlCharacters(stdout);
}

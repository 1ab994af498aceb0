import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where the repository is, and everything that is built from it. */
export interface Places {
  readonly root: string;
  readonly dist: string;
}

/** Compiles the sources, and puts beside them what they read. */
export function compileAll({ root, dist }: Places): void {
  rmSync(dist, { recursive: true, force: true });
  run(root, "tsc", ["-p", "tsconfig.build.json"]);
  for (const path of filesBelow(dist)) if (path.endsWith(".d.ts")) nameCompiled(path);
  cpSync(join(root, "src"), join(dist, "src"), { recursive: true, filter: isNoSource });
  cpSync(join(root, DELIVERIES), join(dist, DELIVERIES), { recursive: true });
}

/** What the demo replays. */
const DELIVERIES = "examples/deliveries/deliveries.ndjson";

/**
 * Compiles what some sources import, and nothing else, to a folder: with the messages as they are without the rules of
 * validation, which only a server knows, and which are more than all the rest of them; and without comments, but in the
 * declarations, and where they tell bundlers what is pure.
 */
export function compileClient({ root, dist }: Places, sources: readonly string[], out: string): void {
  const stage = join(dist, ".client");
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  cpSync(join(root, "src"), join(stage, "src"), { recursive: true });
  run(root, "buf", ["generate", "--template", JSON.stringify(messages(join(stage, "gen")))]);
  const compile = (name: string, outDir: string, more: object) => {
    const options = { noEmit: false, rootDir: ".", outDir, ...more };
    const config = {
      extends: "../../tsconfig.json",
      compilerOptions: options,
      files: sources,
      include: [],
      exclude: [],
    };
    writeFileSync(join(stage, name), JSON.stringify(config));
    run(root, "tsc", ["-p", join(stage, name)]);
  };
  compile("tsconfig.json", out, { declaration: true });
  compile("tsconfig.plain.json", join(stage, "plain"), { removeComments: true });
  cpSync(join(stage, "plain/src"), join(out, "src"), { recursive: true });
  for (const path of filesBelow(out)) {
    if (path.endsWith(".d.ts")) nameCompiled(path);
    if (path.startsWith(join(out, "gen/"))) dropDocumentation(path);
    indentByTabs(path);
  }
  rmSync(stage, { recursive: true, force: true });
}

/** What the service's calls are made of, and what its errors carry. */
const MESSAGES = [
  ...["IdempotencyService", "ErrorReason"].map((name) => `holdfast.v1.${name}`),
  ...["Code", "ErrorInfo", "RetryInfo", "BadRequest"].map((name) => `google.rpc.${name}`),
];

function messages(out: string): object {
  const rules = ["field", "message", "oneof", "predefined"].map((name) => `buf.validate.${name}`);
  const opt = ["target=ts", "import_extension=ts", "erasable_syntax=true"];
  return {
    version: "v2",
    plugins: [{ local: "protoc-gen-es", out, include_imports: true, opt }],
    inputs: [{ directory: ".", types: MESSAGES, exclude_types: rules }],
  };
}

/**
 * Of the messages, whose documentation is that of the proto files. Only its blocks: that a call is pure is said in a comment
 * too.
 */
function dropDocumentation(path: string): void {
  writeFileSync(path, readFileSync(path, "utf8").replace(/^ *\/\*\*\n(?: *\*.*\n)+/gm, ""));
}

/** tsc indents by four spaces, which are an eighth of all that it writes. */
function indentByTabs(path: string): void {
  const text = readFileSync(path, "utf8");
  // Within a text of several lines they would be part of it. Comments of declarations may quote code.
  const split = path.endsWith(".js") && text.split("\n").find(endsWithinText);
  if (split) throw new Error(`${path} has a text of several lines, which cannot be indented anew: ${split}`);
  writeFileSync(
    path,
    text.replace(/^(?: {4})+/gm, (spaces) => "\t".repeat(spaces.length / 4)),
  );
}

/** Of code without comments. One that stands alone in brackets is in a regular expression. */
function endsWithinText(line: string): boolean {
  const backticks = line.replace(/\[[^\]`]*`[^\]`]*\]/g, "").match(/`/g) ?? [];
  return backticks.length % 2 === 1;
}

/** tsc leaves the endings of a declaration's imports as they are, and there is no .ts beside it. */
function nameCompiled(path: string): void {
  const text = readFileSync(path, "utf8");
  const named = text
    .replace(/^((?:import|export)\b[^"\n]*"\.[^"\n]*)\.ts(";)$/gm, "$1.js$2")
    .replace(/(\bimport\("\.[^"\n]*)\.ts("\))/g, "$1.js$2");
  if (named !== text) writeFileSync(path, named);
}

/** SQL, and folders. */
function isNoSource(path: string): boolean {
  return !path.endsWith(".ts");
}

export function filesBelow(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

function run(cwd: string, tool: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(join(cwd, "node_modules/.bin", tool), args, {
    cwd,
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${tool} has ended with ${status}:\n${stdout}${stderr}`);
}

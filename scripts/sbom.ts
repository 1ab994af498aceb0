// Writes the bill of materials of what is shipped, as CycloneDX 1.5, from package-lock.json alone: the same on every
// platform, and without network. Not in it is what comes from elsewhere: the image's base, with Node, and a Postgres of
// your own. Exit codes: 0 written, 1 it would not be complete, 2 it could not run.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parse, runProgram, TEXT } from "../proof/command-line.ts";
import { problemsOf } from "./sbom/check.ts";
import { type Bom, type Lock, shippedOf } from "./sbom/shipped.ts";

const ROOT = new URL("../", import.meta.url);
const HELP = `usage: npm run sbom -- [--out FILE]

  --out FILE  write it to this file instead of to standard output
  --help      this
`;

const FLAGS = { out: TEXT } as const;

function billOfEverything(): Bom {
  const args = ["sbom", "--sbom-format=cyclonedx", "--sbom-type=application", "--package-lock-only"];
  // The npm that runs this script, if one does.
  const npm = process.env["npm_execpath"];
  const [file, before] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const { status, stdout, stderr, error } = spawnSync(
    file,
    [...before, ...args, "--include=dev", "--include=optional"],
    {
      cwd: ROOT,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`npm sbom has ended with ${status}: ${stderr.trim()}`);
  return JSON.parse(stdout) as Bom;
}

function write(file: string | undefined): number {
  const lock = JSON.parse(readFileSync(new URL("package-lock.json", ROOT), "utf8")) as Lock;
  const bom = shippedOf(billOfEverything(), lock);
  const problems = problemsOf(bom, lock);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) return 1;
  const text = `${JSON.stringify(bom, null, 2)}\n`;
  if (file === undefined) process.stdout.write(text);
  else {
    writeFileSync(file, text);
    console.error(`${bom.components.length} packages in ${file}`);
  }
  return 0;
}

const parsed = parse({ args: process.argv.slice(2), flags: FLAGS }, ({ out: file }) => {
  if (file === "") throw new Error("--out takes the name of a file");
  return { kind: "run", file };
});
await runProgram({ name: "sbom", command: "npm run sbom --", help: HELP }, parsed, async ({ file }) => {
  try {
    return write(file);
  } catch (error) {
    console.error(`no bill was written: ${(error as Error).message}`);
    return 2;
  }
});

// Writes the bill of materials of what is shipped, as CycloneDX 1.5, from package-lock.json alone: the same on every
// platform, and without network. Not in it is what comes from elsewhere: the image's base, with Node, and a Postgres of
// your own. Exit codes: 0 written, 1 it would not be complete, 2 it could not run.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { problemsOf } from "./sbom/check.ts";
import { type Bom, type Lock, shippedOf } from "./sbom/shipped.ts";

const ROOT = new URL("../", import.meta.url);
const HELP = `usage: npm run sbom -- [--out FILE]

  --out FILE  write it to this file instead of to standard output
  --help      this
`;

const FLAGS = { out: { type: "string" }, help: { type: "boolean", short: "h" } } as const;

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

function main(): number {
  const { values } = parseArgs({ options: FLAGS, strict: true, allowPositionals: false });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const lock = JSON.parse(readFileSync(new URL("package-lock.json", ROOT), "utf8")) as Lock;
  const bom = shippedOf(billOfEverything(), lock);
  const problems = problemsOf(bom, lock);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) return 1;
  const text = `${JSON.stringify(bom, null, 2)}\n`;
  if (values.out === undefined) process.stdout.write(text);
  else {
    writeFileSync(values.out, text);
    console.error(`${bom.components.length} packages in ${values.out}`);
  }
  return 0;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`no bill was written: ${(error as Error).message}`);
  process.exitCode = 2;
}

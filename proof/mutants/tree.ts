import { rmSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { MUTANTS } from "./mutants.ts";
import { applyPatch, type Patch } from "./patch.ts";

/** A copy of this tree with a change, to be run and tested like it. */
export interface Tree extends AsyncDisposable {
  readonly path: string;
  /** The program, to be given to node, or to `startServer`. */
  readonly main: string;
  /** For the processes that are started from it: what they compile is kept in it, and goes with it. */
  readonly env: Readonly<Record<string, string>>;
}

const ROOT = join(import.meta.dirname, "../..");

/** Everything that a test of the gate reads. Packages are linked: Node strips types everywhere but among packages. */
const PARTS = [
  ...["src", "gen", "proto", "test", "proof", "bench", "docs", "deploy", "examples", "scripts", ".ci"],
  ...["package.json", "package-lock.json", "tsconfig.json", "vitest.config.ts", "biome.json"],
  ...["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "Dockerfile", ".dockerignore"],
];

/** The tree of a mutant by its id: `await using tree = await mutantTree("M14")`. */
export function mutantTree(id: string): Promise<Tree> {
  const mutant = MUTANTS.find((each) => each.id === id);
  if (mutant === undefined)
    throw new Error(`no mutant is called ${id}; there are ${MUTANTS.map((each) => each.id).join(", ")}`);
  return treeWith(mutant.patches, id);
}

/** A copy as it is: what fails in it fails without any mutant. */
export function honestTree(): Promise<Tree> {
  return treeWith([], "honest");
}

export async function treeWith(patches: readonly Patch[], name: string): Promise<Tree> {
  const path = await mkdtemp(join(tmpdir(), `holdfast-mutant-${name}-`));
  // For whoever ends without leaving its scope.
  const removeAtExit = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", removeAtExit);
  const dispose = async () => {
    await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    process.off("exit", removeAtExit);
  };
  try {
    for (const part of PARTS) await cp(join(ROOT, part), join(path, part), { recursive: true, filter: isOurs });
    await symlink(join(ROOT, "node_modules"), join(path, "node_modules"));
    for (const patch of patches) await apply(path, patch);
  } catch (error) {
    await dispose();
    throw error;
  }
  const env = { NODE_COMPILE_CACHE: join(path, ".compiled") };
  return { path, main: join(path, "src/main.ts"), env, [Symbol.asyncDispose]: dispose };
}

function isOurs(path: string): boolean {
  return basename(path) !== "node_modules";
}

async function apply(path: string, patch: Patch): Promise<void> {
  const file = join(path, patch.file);
  await writeFile(file, applyPatch(await readFile(file, "utf8"), patch));
}

import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, "../../..");

/** Another build of Holdfast, in a directory of its own. */
export interface Build extends AsyncDisposable {
  /** To be given to node. */
  readonly main: string;
}

/** The tree of a commit; null where there is no history to take it from. It runs with the packages of this one. */
export async function buildOf(commit: string): Promise<Build | null> {
  const known = await run("git", ["-C", ROOT, "cat-file", "-e", `${commit}^{commit}`]).catch(() => null);
  if (known === null) return null;
  return make(async (path) => {
    const archive = join(path, "tree.tar");
    await run("git", ["-C", ROOT, "archive", "--format", "tar", "--output", archive, commit]);
    await run("tar", ["-x", "-f", archive, "-C", path]);
  });
}

/** This tree with one more migration: what comes after it. */
export function successorWith(migration: { readonly name: string; readonly text: string }): Promise<Build> {
  return make(async (path) => {
    for (const part of ["src", "gen", "package.json"])
      await cp(join(ROOT, part), join(path, part), { recursive: true });
    await writeFile(join(path, "src/store/postgres/migrations", migration.name), migration.text);
  });
}

async function make(fill: (path: string) => Promise<void>): Promise<Build> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-infra-build-"));
  await fill(path);
  await symlink(join(ROOT, "node_modules"), join(path, "node_modules"));
  return {
    main: join(path, "src/main.ts"),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

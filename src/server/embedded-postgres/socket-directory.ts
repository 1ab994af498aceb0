import { createHash } from "node:crypto";
import { lstat, mkdir, mkdtemp, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { giveTo } from "./account.ts";
import { type Home, temporaryRoot } from "./data-directory.ts";

export const port = "5432";

/**
 * Where the socket lies: not in the data directory, whose path may be longer than a socket's name may be. The name comes
 * from the data directory, so that the URL a user wrote down is right after the next start as well; should somebody else
 * sit on that name, another one is taken, which is why those who join read the place from postmaster.pid.
 *
 * What a killed server left in it is removed, for Postgres would take its lock for a living one's when the process id has
 * been given out again. Call under the lock, when no server runs.
 */
export async function makeSocketDirectory(home: Home): Promise<string> {
  const usual = await usualSocketDirectory(home);
  const path = (await makeOrFindOurs(usual, home)) ? usual : await mkdtemp(join(dirname(usual), "holdfast-"));
  await removeSockets(path);
  await giveTo(home.account, path);
  return path;
}

/** Call when the server in it has ended. Should something else lie there, the directory is not ours to remove. */
export async function removeSocketDirectory(path: string): Promise<void> {
  await removeSockets(path);
  await rmdir(path).catch(() => undefined);
}

async function makeOrFindOurs(path: string, home: Home): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const found = await lstat(path);
    const user = home.account?.uid ?? process.getuid?.();
    return found.isDirectory() && found.uid === user && (found.mode & 0o777) === 0o700;
  }
}

async function removeSockets(path: string): Promise<void> {
  for (const name of [`.s.PGSQL.${port}`, `.s.PGSQL.${port}.lock`]) await rm(join(path, name), { force: true });
}

export async function usualSocketDirectory(home: Home): Promise<string> {
  const name = createHash("sha256").update(home.path).digest("hex").slice(0, 12);
  return join(await temporaryRoot(home.account), `holdfast-${name}`);
}

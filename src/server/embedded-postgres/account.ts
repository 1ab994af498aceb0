import { chown, lchown, readdir, readFile, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { EmbeddedPostgresError } from "./error.ts";

/** Whom Postgres runs as, when that is not simply us. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Postgres refuses to run as root. Started by root it runs as whoever owns the cluster already, else as `postgres`, else
 * as `nobody`; started by anybody else it runs as that user, and the answer is undefined. No account is made: that would
 * change the machine for good.
 */
export async function accountFor(cluster: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) {
    requireName();
    return undefined;
  }
  const accounts = await readAccounts();
  const owner = await stat(cluster).catch(() => undefined);
  const found =
    accounts.find(({ uid }) => uid !== 0 && uid === owner?.uid) ??
    accounts.find(({ name }) => name === "postgres") ??
    accounts.find(({ name }) => name === "nobody");
  if (found !== undefined) return found;
  throw new EmbeddedPostgresError(
    "DIRECTORY_UNUSABLE",
    "Postgres does not run as root, and this machine has neither a user postgres nor a user nobody to run it as; " +
      "start as another user, or give --database-url",
  );
}

/** What to pass to spawn. Node takes signed numbers there, and some systems give `nobody` the number 2^32 - 2. */
export function spawnAs(account: Account | undefined): { uid?: number; gid?: number } {
  return account === undefined ? {} : { uid: account.uid | 0, gid: account.gid | 0 };
}

/** Gives the path and all in it to the account; does nothing when Postgres runs as we do. */
export async function giveTo(account: Account | undefined, path: string): Promise<void> {
  if (account === undefined) return;
  await chown(path, account.uid, account.gid);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) await giveTo(account, inner);
    else await lchown(inner, account.uid, account.gid);
  }
}

/**
 * The outermost directory on the way to `path`, itself included, that the account may not pass through; undefined when
 * there is none. Judged by owner and mode, so as to be able to name it; a finer access list is not seen.
 */
export async function closedTo(account: Account, path: string): Promise<string | undefined> {
  const parent = dirname(path);
  const outer = parent === path ? undefined : await closedTo(account, parent);
  if (outer !== undefined) return outer;
  const { uid, gid, mode } = await stat(path);
  const pass = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
  return (mode & pass) === 0 ? path : undefined;
}

async function readAccounts(): Promise<readonly Account[]> {
  const lines = (await readFile("/etc/passwd", "utf8").catch(() => "")).split("\n");
  return lines.flatMap((line) => {
    const [name, , uid, gid] = line.split(":");
    if (name === undefined || uid === undefined || gid === undefined) return [];
    return [{ name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }];
  });
}

/** initdb looks its user up by number and gives up when the number has no name, as happens in containers. */
function requireName(): void {
  try {
    userInfo();
  } catch (cause) {
    throw new EmbeddedPostgresError(
      "DIRECTORY_UNUSABLE",
      `Postgres needs its user to have a name, and uid ${process.getuid?.()} has none in /etc/passwd; ` +
        "add one, or give --database-url",
      { cause },
    );
  }
}

import { randomBytes } from "node:crypto";
import { readFileSync, statfsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import { openHome } from "../../src/server/embedded-postgres/data-directory.ts";
import { EmbeddedPostgresError } from "../../src/server/embedded-postgres/error.ts";
import { withLock } from "../../src/server/embedded-postgres/lock.ts";
import { findRunning, stopPostmaster } from "../../src/server/embedded-postgres/postmaster.ts";
import { identify } from "../../src/server/embedded-postgres/process.ts";
import { removeSocketDirectory, usualSocketDirectory } from "../../src/server/embedded-postgres/socket-directory.ts";
import { isUsed } from "../../src/server/embedded-postgres/users.ts";

const prefix = "holdfast-test-";

const memory = "/dev/shm";

/** More than the databases of a whole run take at once, with room for what runs beside them. */
const roomBytesMin = 6 * 1024 ** 3;

/**
 * In memory, where there is room: a database is hundreds of files, and to make and to drop one, as each test file does,
 * takes 0.03 s of a processor there and 0.2 s and more on a disk. What is killed finds all of it again, as in the cache
 * of a disk; that it would survive the machine is nothing that these tests could see.
 */
export const place = isRoomy(memory) ? memory : tmpdir();

export interface TestDirectory {
  readonly path: string;
  /** Stops the server in it, if nobody uses it any more, and removes the directory. */
  remove(): Promise<void>;
}

/** A place for an embedded database, not made yet. Its name tells which process it belongs to. */
export function createDataDirectory(): TestDirectory {
  const path = join(place, `${prefix}${process.pid}-${randomBytes(4).toString("hex")}`);
  return { path, remove: () => removeUnused(path) };
}

/** Removes what test processes that were killed left behind, with the servers that still run there. */
export async function removeDirectoriesOfTheDead(): Promise<void> {
  for (const directory of [memory, tmpdir()]) {
    for (const name of await readdir(directory).catch(() => [])) {
      const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
      if (pid === undefined || (await identify(Number(pid))) !== undefined) continue;
      await removeUnused(join(directory, name)).catch((error) => {
        // Another user's.
        if (!(error instanceof EmbeddedPostgresError)) throw error;
      });
    }
  }
}

async function removeUnused(path: string): Promise<void> {
  const home = await openHome(path);
  const unused = await withLock(home.path, systemClock, async () => {
    if (await isUsed(home.path)) return false;
    const running = await findRunning(home, systemClock);
    if (running !== undefined) await stopPostmaster(running, systemClock);
    await removeSocketDirectory(running?.socketDirectory ?? (await usualSocketDirectory(home)));
    return true;
  });
  if (unused) await rm(home.path, { recursive: true, force: true });
}

/** Whether this is a file system in memory with room, on which programs may run, for theirs may have to be copied there. */
function isRoomy(directory: string): boolean {
  try {
    const mounts = readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .map((line) => line.split(" "));
    const [, , type, options = ""] = mounts.findLast(([, on]) => on === directory) ?? [];
    if (type !== "tmpfs" || options.split(",").includes("noexec")) return false;
    const { bavail, bsize } = statfsSync(directory);
    return Math.min(bavail * bsize, process.availableMemory()) >= roomBytesMin;
  } catch {
    return false;
  }
}

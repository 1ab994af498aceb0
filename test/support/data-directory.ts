import { randomBytes } from "node:crypto";
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

export interface TestDirectory {
  readonly path: string;
  /** Stops the server in it, if nobody uses it any more, and removes the directory. */
  remove(): Promise<void>;
}

/** A place for an embedded database, not made yet. Its name tells which process it belongs to. */
export function createDataDirectory(): TestDirectory {
  const path = join(tmpdir(), `${prefix}${process.pid}-${randomBytes(4).toString("hex")}`);
  return { path, remove: () => removeUnused(path) };
}

/** Removes what test processes that were killed left behind, with the servers that still run there. */
export async function removeDirectoriesOfTheDead(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || (await identify(Number(pid))) !== undefined) continue;
    await removeUnused(join(tmpdir(), name)).catch((error) => {
      // Another user's.
      if (!(error instanceof EmbeddedPostgresError)) throw error;
    });
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

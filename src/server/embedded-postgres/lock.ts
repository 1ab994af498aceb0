import { link, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import { EmbeddedPostgresError } from "./error.ts";
import { identify, isAlive, pidOf } from "./process.ts";

/** The holder may have to make a cluster, or wait for Postgres to recover after a crash; then this is patience enough. */
const waitMsMax = 600_000;
const pollMs = 20;
const free = "free";
/** Another start or stop is over sooner, mostly; beyond that somebody wants to know what they wait for. */
const noteAfterMs = 1_000;

export interface LockWait {
  /** Aborted: rejects with its reason instead of waiting on. */
  readonly signal?: AbortSignal;
  /** Called once with the process that has the lock, when the wait is not a short one. */
  readonly onWait?: (pid: number | undefined) => void;
}

/**
 * Runs `body` while no other process runs one under the same directory. A holder that was killed blocks nobody.
 *
 * The lock is the file `lock.N` with the highest N; it names its holder, or says that it is free. Whoever finds it free,
 * or its holder dead, makes `lock.N+1`, which the file system grants to one process only. A single lock file would have to be
 * removed to take it over from the dead, and two that both judged it dead would remove each other's. The highest file is
 * never removed, so numbers never come again: whoever made one too late finds a higher one and starts over.
 */
export async function withLock<T>(
  directory: string,
  clock: Clock,
  body: () => Promise<T>,
  wait: LockWait = {},
): Promise<T> {
  const file = await acquire(directory, clock, wait);
  try {
    return await body();
  } finally {
    await replace(file, free);
  }
}

async function acquire(directory: string, clock: Clock, { signal, onWait }: LockWait): Promise<string> {
  const identity = await identify(process.pid);
  if (identity === undefined) throw new Error("bug: this process is not alive");
  const since = clock.monotonicMs();
  let noted = false;
  for (;;) {
    const newest = await newestLock(directory);
    if (newest.holder === undefined) {
      const next = newest.number + 1;
      if (await create(lockFile(directory, next), identity)) {
        if ((await newestLock(directory)).number === next) {
          await removeOlder(directory, next);
          return lockFile(directory, next);
        }
        await rm(lockFile(directory, next), { force: true });
      }
    } else if (clock.monotonicMs() - since > waitMsMax) {
      throw new EmbeddedPostgresError(
        "DIRECTORY_BUSY",
        `process ${pidOf(newest.holder)} has kept ${directory} locked for ${waitMsMax / 60_000} minutes; ` +
          "if it hangs, end it and start again",
      );
    } else {
      if (!noted && clock.monotonicMs() - since > noteAfterMs) {
        noted = true;
        onWait?.(pidOf(newest.holder));
      }
      await clock.sleep(pollMs, signal);
    }
  }
}

async function newestLock(
  directory: string,
): Promise<{ readonly number: number; readonly holder: string | undefined }> {
  for (;;) {
    const number = Math.max(0, ...(await lockNumbers(directory)));
    if (number === 0) return { number, holder: undefined };
    const holder = await readFile(lockFile(directory, number), "utf8").catch(ignoreMissing);
    if (holder === undefined) continue; // Released, taken and cleared away since the listing.
    return { number, holder: holder !== free && (await isAlive(holder)) ? holder : undefined };
  }
}

/** Makes the file with its content at once, so that nobody reads it empty; false when it exists. */
async function create(file: string, content: string): Promise<boolean> {
  const draft = draftOf(file);
  await writeFile(draft, content);
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function replace(file: string, content: string): Promise<void> {
  const draft = draftOf(file);
  await writeFile(draft, content);
  await rename(draft, file);
}

async function removeOlder(directory: string, number: number): Promise<void> {
  for (const older of await lockNumbers(directory)) {
    if (older < number) await rm(lockFile(directory, older), { force: true });
  }
}

async function lockNumbers(directory: string): Promise<readonly number[]> {
  const names = await readdir(directory);
  return names.flatMap((name) => (/^lock\.\d+$/.test(name) ? [Number(name.slice("lock.".length))] : []));
}

function lockFile(directory: string, number: number): string {
  return join(directory, `lock.${number}`);
}

function draftOf(file: string): string {
  return `${file}.${process.pid}-${Math.random().toString(36).slice(2)}`;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

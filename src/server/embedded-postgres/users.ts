import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { identify, isAlive } from "./process.ts";

/**
 * Writes down that this process uses the server: one file per user under `users/`, holding the process's identity.
 * Answers how to take it back. Call under the lock.
 */
export async function register(home: string): Promise<() => Promise<void>> {
  const identity = await identify(process.pid);
  if (identity === undefined) throw new Error("bug: this process is not alive");
  const file = join(home, "users", `${process.pid}-${randomUUID()}`);
  await mkdir(join(home, "users"), { recursive: true });
  await writeFile(file, identity);
  return () => rm(file, { force: true });
}

/** Whether a living process uses the server; forgets the dead. Call under the lock. */
export async function isUsed(home: string): Promise<boolean> {
  let used = false;
  for (const name of await readdir(join(home, "users")).catch(() => [])) {
    const file = join(home, "users", name);
    if (await isAlive(await readFile(file, "utf8").catch(() => ""))) used = true;
    else await rm(file, { force: true });
  }
  return used;
}

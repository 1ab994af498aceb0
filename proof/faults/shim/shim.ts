import { chmod, copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { processesIn } from "../../../src/server/embedded-postgres/process.ts";
import { CannotRun } from "../cannot-run.ts";
import { openPlace } from "../stand/place.ts";
import { compileShim } from "./compile.ts";
import { type Control, createControl } from "./control.ts";
import { revert } from "./power.ts";

/** Between a Postgres and its disk and clock. It is to be stopped before the shim is disposed of. */
export interface Shim extends Omit<Control, keyof Disposable>, AsyncDisposable {
  /** To be added to the environment of the postmaster. */
  readonly env: Readonly<Record<string, string>>;
  /** Of Postgres, under which the shim sees every sync: nothing is durable by itself, nor waited for by the kernel. */
  readonly settings: Readonly<Record<string, string>>;
  /**
   * After the SIGKILL of every process: the disk is as it was at the last sync of each file. Answers how many writes are
   * lost. Of those to one file the first ones may survive, as many as is said; by default none does.
   */
  losePower(dataDirectory: string, survivors?: (writes: number) => number): Promise<{ readonly reverted: number }>;
}

const SETTINGS = {
  ...{ fsync: "on", synchronous_commit: "on", full_page_writes: "on", wal_sync_method: "fdatasync" },
  ...{ io_method: "sync", debug_io_direct: "" },
};

/** @throws CannotRun where `compileShim` finds it missing */
export async function startShim(): Promise<Shim> {
  const compiled = await compileShim();
  if (compiled.kind === "missing") throw new CannotRun(`the shim cannot be had: ${compiled.why}`);
  const place = await openPlace();
  // Postgres may run as somebody who cannot reach the cache.
  const library = join(place.path, "shim.so");
  await copyFile(compiled.path, library);
  await chmod(library, 0o755);
  const undoDirectory = join(place.path, "undo");
  await mkdir(undoDirectory);
  const control = createControl(join(place.path, "control"));
  await place.give();
  return {
    ...{ env: { LD_PRELOAD: library, HOLDFAST_SHIM: place.path }, settings: SETTINGS },
    ...{ delaySyncs: control.delaySyncs, fill: control.fill, shiftClock: control.shiftClock },
    get done() {
      return control.done;
    },
    async losePower(dataDirectory, survivors = () => 0) {
      const alive = await processesIn(dataDirectory, "postgres");
      if (alive.length > 0) throw new Error(`bug: processes ${alive.join(", ")} live on without power`);
      const reverted = await revert({ dataDirectory, undoDirectory, survivors });
      // Unsynced it is empty, and Postgres waits for somebody to remove it.
      await rm(join(dataDirectory, "postmaster.pid"), { force: true });
      return { reverted };
    },
    async [Symbol.asyncDispose]() {
      control[Symbol.dispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

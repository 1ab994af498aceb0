import type { ChildProcess } from "node:child_process";

export interface FleetDeps {
  /** "worker" or "server"; with its number, it names a process to people. */
  readonly name: string;
  readonly size: number;
  readonly start: (index: number) => ChildProcess;
  /** A process was killed, by `kill` or by somebody with a terminal. It is started again when this returns. */
  readonly onKilled: (index: number) => void;
  /** A process ended by itself, or could not be started. */
  readonly onFailure: (error: ProcessError) => void;
}

/** Says which process ended, and what it said last; a stack of ours adds nothing. */
export class ProcessError extends Error {
  override readonly name = "ProcessError";
}

/** Operating-system processes that are started again when they were killed. */
export interface Fleet extends AsyncDisposable {
  /** SIGKILL: the process gets no chance to do anything. */
  kill(index: number): void;
  /** Null while the process is not there. */
  process(index: number): ChildProcess | null;
}

/** Enough of what a process said last to see why it ended. */
const TAIL_CHARACTERS = 4_000;

export function startFleet({ name, size, start, onKilled, onFailure }: FleetDeps): Fleet {
  const processes: (ChildProcess | null)[] = new Array(size).fill(null);
  let isOver = false;

  const launch = (index: number) => {
    const child = start(index);
    processes[index] = child;
    const tail = keepTail(child);
    const fail = (why: string) => onFailure(new ProcessError(`${name} ${index + 1} ${why}`));
    child.on("error", (error) => fail(`could not be started: ${error.message}`));
    child.on("exit", (code, signal) => {
      processes[index] = null;
      if (isOver) return;
      if (signal !== "SIGKILL") return fail(`ended by itself (${signal ?? code}):\n${tail()}`);
      onKilled(index);
      launch(index);
    });
  };
  for (let index = 0; index < size; index++) launch(index);

  // Should this process end without disposing of anything, by a bug, nobody stays behind.
  const killAll = () => {
    for (const child of processes) child?.kill("SIGKILL");
  };
  process.once("exit", killAll);

  return {
    kill: (index) => void processes[index]?.kill("SIGKILL"),
    process: (index) => processes[index] ?? null,
    // By SIGKILL too: what was acknowledged is durable, and nothing else is worth a wait.
    async [Symbol.asyncDispose]() {
      isOver = true;
      process.off("exit", killAll);
      await Promise.all(processes.map(end));
    },
  };
}

async function end(child: ChildProcess | null): Promise<void> {
  if (child === null || child.pid === undefined) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  child.kill("SIGKILL");
  await promise;
}

/** Reads what the process says, so that its pipes never fill up. */
function keepTail(child: ChildProcess): () => string {
  let tail = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      tail = (tail + text).slice(-TAIL_CHARACTERS);
    });
  }
  return () => tail.trim();
}

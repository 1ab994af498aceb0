import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** A process whose standard output is lines of JSON. */
export interface JsonProcess {
  readonly pid: number;
  /** The first line, read or yet to come, that has these values; rejects when the process ends without it. */
  line(expected: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  /** Writes a line to its standard input. */
  tell(): void;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code, once it has ended; null when a signal ended it. */
  readonly exit: Promise<number | null>;
}

/** @param env beside what this process has */
export function spawnNode(args: readonly string[], env: Readonly<Record<string, string>> = {}): JsonProcess {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(process.execPath, args, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const seen: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  let ended = false;
  const wake = () => {
    for (const look of waiting) look();
  };
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    seen.push(JSON.parse(line));
    wake();
  });
  lines.on("close", () => {
    ended = true;
    wake();
  });
  const exit = once(child, "exit").then(([code]) => code as number | null);

  return {
    pid: child.pid ?? 0,
    line: (expected) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = seen.find((line) => Object.entries(expected).every(([name, value]) => line[name] === value));
          if (found === undefined && !ended) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else reject(new Error(`ended without ${JSON.stringify(expected)}: ${JSON.stringify(seen)}`));
        };
        waiting.add(look);
        look();
      }),
    tell: () => child.stdin.end("\n"),
    kill: (signal) => child.kill(signal),
    exit,
  };
}

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type CommandResult, environmentOf } from "./server.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** A command that is not over yet. */
export interface RunningCommand {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  /** Resolves once it has written this to standard error. */
  said(text: string): Promise<void>;
  readonly ended: Promise<CommandResult>;
}

/** Only what is given is in its environment; it is killed with the test. */
export function startCommand(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCommand {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: environmentOf(env),
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  let [stdout, stderr] = ["", ""];
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
    for (const look of waiting) look();
  });
  const ended = once(child, "close").then(([code, signal]): CommandResult => {
    process.off("exit", kill);
    return { code, signal, stdout, stderr };
  });
  return {
    process: child,
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (stderr.includes(text)) resolve();
        };
        waiting.add(look);
        look();
        void ended.then((end) => reject(new Error(`it has ended without a word of ${text}: ${JSON.stringify(end)}`)));
      }),
    ended,
  };
}

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { endedBySignalsToo } from "../ending.ts";

/** A process of the benchmark's own. What it says first is what it has to tell of itself. */
export interface Child<Hello> extends AsyncDisposable {
  readonly hello: Hello;
  readonly pid: number;
  /** Sends a message and returns the one that answers it; one at a time. */
  ask<Answer>(message: unknown): Promise<Answer>;
}

/** Ends when it is disposed of, which it is told by the channel being closed, or when this process ends. */
export async function startChild<Hello>(
  program: URL,
  args: readonly string[] = [],
  nodeOptions: readonly string[] = [],
): Promise<Child<Hello>> {
  const execArgv = [...process.execArgv, ...nodeOptions];
  const child = fork(program, [...args], { stdio: "inherit", serialization: "advanced", execArgv });
  const ended = once(child, "exit");
  const end = endedBySignalsToo(async () => {
    if (child.connected) child.disconnect();
    await ended;
  });
  return {
    hello: await nextMessage<Hello>(child, program),
    pid: child.pid ?? 0,
    ask(message) {
      const answer = nextMessage(child, program);
      child.send(message as object);
      return answer as Promise<never>;
    },
    [Symbol.asyncDispose]: end,
  };
}

function nextMessage<T>(child: ChildProcess, program: URL): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`${program.pathname} has ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      resolve(message as T);
    });
  });
}

/** What a process has in memory now, and the most that it ever had; NaN where the system does not tell. */
export async function memoryOf(pid: number): Promise<{ readonly rssMiB: number; readonly peakMiB: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const mib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  return { rssMiB: mib("VmRSS"), peakMiB: mib("VmHWM") };
}

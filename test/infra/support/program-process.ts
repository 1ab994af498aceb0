import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Account, accountFor, giveTo, spawnAs } from "../../../src/server/embedded-postgres/account.ts";
import type { Program } from "./packages.ts";

/** A program of somebody else's, running for as long as its scope, and never longer than this process. */
export interface ProgramProcess extends AsyncDisposable {
  readonly pid: number;
  /** Everything that it has said. */
  output(): string;
  /**
   * Resolves with the first match in what it says, also when it was said before; rejects if it ends without.
   * @param from of `output()`: what was said before does not count
   */
  said(pattern: RegExp, from?: number): Promise<RegExpExecArray>;
  signal(signal: NodeJS.Signals): void;
  /** Resolves with its exit code, that of shells after a signal. */
  readonly exited: Promise<number | null>;
}

export interface ProgramOptions {
  /** Lets it end. */
  readonly stopSignal: "QUIT" | "TERM" | "INT";
  readonly account: Account | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * The program ends when our end of a pipe is closed, which the system does when we die, however that is: a run that is
 * killed leaves no server behind.
 */
const LEASH = `
  exec 3<&0
  "$@" 3<&- </dev/null 2>&1 &
  pid=$!
  echo "pid $pid"
  { cat <&3 >/dev/null; kill -"$STOP_SIGNAL" $pid 2>/dev/null; } &
  wait $pid`;

export async function startProgram(
  program: Program,
  args: readonly string[],
  { stopSignal, account, env = {} }: ProgramOptions,
): Promise<ProgramProcess> {
  const child = spawn("/bin/sh", ["-c", LEASH, "sh", program.path, ...args], {
    ...spawnAs(account),
    cwd: "/",
    stdio: ["pipe", "pipe", "ignore"],
    env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC", ...program.env, ...env, STOP_SIGNAL: stopSignal },
  });
  let collected = "";
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    collected += chunk;
    wake();
  });
  let isOver = false;
  const exited = once(child, "exit").then(([code]) => {
    isOver = true;
    child.stdin.destroy();
    wake();
    return code as number | null;
  });
  const said = (pattern: RegExp, from = 0) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(collected.slice(from));
        if (match === null && !isOver) return;
        waiting.delete(look);
        if (match === null) reject(new Error(`${program.path} has ended; it said: ${collected}`));
        else resolve(match);
      };
      waiting.add(look);
      look();
    });
  const [, pid] = await said(/^pid (\d+)$/m);
  return {
    pid: Number(pid),
    output: () => collected,
    said,
    signal: (signal) => {
      if (!isOver) process.kill(Number(pid), signal);
    },
    exited,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await exited;
    },
  };
}

/** A directory of the account that servers run as, who is never root. */
export interface Place extends AsyncDisposable {
  readonly path: string;
  readonly account: Account | undefined;
  /** To be called for what was put into it. */
  give(): Promise<void>;
}

export async function openPlace(name: string): Promise<Place> {
  const path = await mkdtemp(join(tmpdir(), `holdfast-infra-${name}-`));
  await mkdir(join(path, "run"));
  const account = await accountFor(path);
  const give = () => giveTo(account, path);
  await give();
  return { path, account, give, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

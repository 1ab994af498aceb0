import { type ChildProcess, fork, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { freePorts } from "../../src/cli/demo/ports.ts";
import type { Load } from "./peer.ts";

export interface LoadProcess extends AsyncDisposable {
  run(arm: string, width: number, seconds: number): Promise<Load>;
}

type Answer = { readonly load: Load } | { readonly error: string } | { readonly ready: true };

/** A Node process that sends load, so that no other shares its event loop; the other side is `answerLoads`. */
export async function startLoadProcess(file: string, args: readonly string[]): Promise<LoadProcess> {
  const child = fork(new URL(file, import.meta.url), args, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const ended = once(child, "exit");
  const answer = async () => {
    const gone = ended.then(([code]) => ({ error: `${file} ended with ${code}` }));
    const [told] = (await Promise.race([once(child, "message"), gone.then((error) => [error])])) as [Answer];
    if ("error" in told) throw new Error(told.error);
    return told;
  };
  await answer();
  return {
    async run(arm, width, seconds) {
      const answered = answer();
      child.send({ arm, width, seconds });
      const told = await answered;
      if (!("load" in told)) throw new Error(`bug: ${file} answered without a load`);
      return told.load;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

type Loads = Readonly<Record<string, (width: number, seconds: number) => Promise<Load>>>;

/** Answers what `startLoadProcess` asks until it lets go. */
export function answerLoads(loads: Loads): void {
  process.on("message", async ({ arm, width, seconds }: { arm: string; width: number; seconds: number }) => {
    try {
      process.send?.({ load: await loads[arm]?.(width, seconds) });
    } catch (error) {
      process.send?.({ error: String(error) });
    }
  });
  process.once("disconnect", () => process.exit());
  process.send?.({ ready: true });
}

export interface Program extends AsyncDisposable {
  readonly child: ChildProcess;
}

/** A server of somebody else's. Resolves when it has printed `ready`; it never outlives this process. */
export async function startProgram(
  command: string,
  args: readonly string[],
  options: SpawnOptions & { readonly ready: RegExp },
): Promise<Program> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });
  let log = "";
  const ready = new Promise<void>((resolve) => {
    const read = (chunk: Buffer) => {
      log = (log + chunk).slice(-4_000);
      if (options.ready.test(log)) resolve();
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
  });
  const failure = await Promise.race([ready, ended, after(30_000)]);
  if (failure !== undefined) {
    kill();
    throw new Error(`${command}: ${failure}\n${log.trim().split("\n").slice(-3).join("\n")}`);
  }
  return {
    child,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await Promise.race([ended, after(3_000)]);
      kill();
      process.off("exit", kill);
    },
  };
}

/** Runs it to its end and gives what it printed. */
export async function output(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${errors.trim()}`);
  return text;
}

function after(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve("it is not ready after 30 s"), ms).unref());
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("bug: no port");
  return port;
}

/** Whether a program of the system can be started by its name. */
export function onPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((directory) => existsSync(join(directory, program)));
}

/** Of a package in this folder. */
export async function packageVersion(name: string): Promise<string> {
  const url = new URL(`./node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(await readFile(url, "utf8")) as { version: string }).version;
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

export interface ServerOptions {
  readonly databaseUrl?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The program, where it is another build's. */
  readonly main?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly message: string };

/** `holdfast serve` as a process of its own, on free ports. Leaving the scope kills it. */
export interface ServerProcess extends AsyncDisposable {
  /** "127.0.0.1:12345" */
  readonly grpc: string;
  /** "http://127.0.0.1:12345" */
  readonly http: string;
  readonly pid: number;
  /** What it has logged. */
  readonly lines: readonly LogLine[];
  /** What it has written to standard error. */
  stderr(): string;
  readonly exited: Promise<Exit>;
  /** Resolves with the first line of this message, also when it was logged before. */
  logged(message: string): Promise<LogLine>;
  signal(signal: NodeJS.Signals): void;
  /** Closes our end of its log, as a collector does that dies. */
  stopReading(): void;
  /** SIGTERM, and then its exit. */
  stop(): Promise<Exit>;
}

/** One that may not listen yet. */
export type StartingServer = Pick<ServerProcess, "lines" | "stderr" | "exited" | "logged" | "signal">;

export function spawnServer(options: ServerOptions): StartingServer {
  return spawnServe(options).server;
}

function spawnServe(options: ServerOptions) {
  const child = spawnHoldfast(["serve", ...serveArgs(options), ...(options.args ?? [])], options.env, 0, options.main);
  const signal = (name: NodeJS.Signals) => void child.process.kill(name);
  return { child, server: { ...collect(child.process), exited: child.exited, signal } };
}

export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { child, server: output } = spawnServe(options);
  const { exited } = output;
  const listening = await Promise.race([output.logged("listening"), exited]);
  if (!("message" in listening)) {
    throw new Error(`the server has ended with ${listening.code ?? listening.signal}: ${output.stderr()}`);
  }
  const stop = () => {
    child.process.kill("SIGTERM");
    return exited;
  };
  return {
    grpc: String(listening["grpc"]),
    http: `http://${listening["http"]}`,
    pid: child.process.pid ?? 0,
    ...output,
    stopReading: () => child.process.stdout?.destroy(),
    stop,
    async [Symbol.asyncDispose]() {
      child.process.kill("SIGKILL");
      await exited;
    },
  };
}

function serveArgs({ databaseUrl, main }: ServerOptions): readonly string[] {
  const ports = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0", "--log-format", "json"];
  // How busy the machine is must not decide a test. Another build may not know the flag.
  const always = main === undefined ? [...ports, "--max-event-loop-delay", "off"] : ports;
  // The databases of the tests do not wait for the disk.
  return databaseUrl === undefined ? always : [...always, "--database-url", databaseUrl, "--allow-unsafe-database"];
}

export interface CommandResult extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function holdfast(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
  main?: string,
): Promise<CommandResult> {
  const child = spawnHoldfast(args, env, COMMAND_MS_MAX, main);
  const stdout = text(child.process.stdout);
  const stderr = text(child.process.stderr);
  const exit = await child.exited;
  return { ...exit, stdout: stdout(), stderr: stderr() };
}

/** Less than a test may take: a command that should have ended, a server say, is killed instead of left behind. */
const COMMAND_MS_MAX = 45_000;

/** Only what is given: a variable of the developer's own must not decide a test. What is compiled is kept for the next. */
export function environmentOf(given: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  return { PATH, HOME, NODE_COMPILE_CACHE, ...given };
}

function spawnHoldfast(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  timeout = 0,
  main: string = MAIN,
) {
  const child = spawn(process.execPath, [main, ...args], {
    timeout,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "pipe"],
    env: environmentOf(env),
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const exited = once(child, "close").then(([code, signal]): Exit => {
    process.off("exit", kill);
    return { code, signal };
  });
  return { process: child, exited };
}

function collect(child: ChildProcess) {
  const lines: LogLine[] = [];
  const waiting = new Map<string, (line: LogLine) => void>();
  let rest = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    const [last = "", ...whole] = (rest + chunk).split("\n").reverse();
    rest = last;
    for (const json of whole.reverse()) {
      const line = JSON.parse(json) as LogLine;
      lines.push(line);
      waiting.get(line.message)?.(line);
    }
  });
  const logged = (message: string): Promise<LogLine> => {
    const found = lines.find((line) => line.message === message);
    if (found !== undefined) return Promise.resolve(found);
    const { promise, resolve } = Promise.withResolvers<LogLine>();
    const before = waiting.get(message);
    waiting.set(message, (line) => {
      before?.(line);
      resolve(line);
    });
    return promise;
  };
  return { lines, logged, stderr: text(child.stderr) };
}

function text(stream: NodeJS.ReadableStream | null): () => string {
  let collected = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (chunk: string) => {
    collected += chunk;
  });
  return () => collected;
}

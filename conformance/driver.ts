import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { withinMs } from "./bounds.ts";
import { type Call, createCall } from "./call.ts";
import { onLine } from "./lines.ts";

export type Json = Readonly<Record<string, unknown>>;

/** How a driver is started. */
export interface DriverCommand {
  /** For people: "python". */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A driver's process. Nothing that is asked of it takes longer than a bounded time: then it is an error. */
export interface Driver {
  readonly name: string;
  readonly pid: number;
  ask(op: string, fields?: object): Promise<Json>;
  /** What it answers, be it an error. */
  answerOf(op: string, fields?: object): Promise<Json>;
  /** What stays open for a while, and may tell events. */
  begin(op: string, fields: object): Call;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** The end of its standard input; resolves to the code that it ends with. */
  stop(): Promise<number | null>;
}

/** An error that a driver has answered. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly answer: Json;

  constructor(driver: string, op: string, answer: Json) {
    super(`${driver} answered ${op} with ${JSON.stringify(answer)}`);
    this.answer = answer;
  }
}

/** Of each driver, for whoever wonders why it did not answer. */
const LINES_KEPT = 12;

export function startDriver({ name, command, args, env = {} }: DriverCommand): Driver {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(command, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const killAtExit = () => void child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const last: string[] = [];
  const keep = (line: string) => {
    last.push(line.length > 300 ? `${line.slice(0, 300)}…` : line);
    if (last.length > LINES_KEPT) last.shift();
  };
  const story = () => `the last of what ${name} said:\n  ${last.join("\n  ")}`;
  const calls = new Map<number, Call & { take(line: Json): void; fail(error: Error): void }>();
  let ids = 0;
  let gone: Error | undefined;

  onLine(child.stderr, (line) => keep(`(stderr) ${line}`));
  onLine(child.stdout, (line) => {
    keep(line);
    const message = parse(line);
    const call = calls.get(Number(message?.["call"] ?? message?.["id"]));
    if (message !== undefined) call?.take(message);
  });
  child.stdin.on("error", () => undefined); // It has ended: "close" follows, and tells every call.
  const ended = new Promise<number | Error | null>((resolve) => {
    child.once("close", resolve);
    child.once("error", resolve);
  }).then((code) => {
    process.off("exit", killAtExit);
    const how = code instanceof Error ? code.message : `with ${code ?? child.signalCode}`;
    gone = new Error(`${name} has ended ${how}; ${story()}`);
    for (const call of calls.values()) call.fail(gone);
    return typeof code === "number" ? code : null;
  });

  const begin = (op: string, fields: object): Call => {
    const id = ++ids;
    const call = createCall({ id, op, driver: name, story, ask });
    calls.set(id, call);
    if (gone === undefined) child.stdin.write(`${JSON.stringify({ id, op, ...fields })}\n`);
    else call.fail(gone);
    const drop = () => void calls.delete(id);
    call.answer.then(drop, drop);
    return call;
  };
  const ask = (op: string, fields: object = {}) => {
    const call = begin(op, fields);
    return withinMs(call.answer, () => `${name} has not answered ${op}; ${story()}`);
  };

  return {
    name,
    pid: child.pid ?? 0,
    ask,
    begin,
    answerOf: (op, fields) =>
      ask(op, fields).catch((error: unknown) => {
        if (error instanceof Refused) return error.answer;
        throw error;
      }),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    async stop() {
      child.stdin.end();
      return await withinMs(ended, () => `${name} has not ended with its standard input; ${story()}`);
    },
  };
}

function parse(line: string): Json | undefined {
  try {
    return JSON.parse(line) as Json;
  } catch {
    return undefined; // Kept, and shown to whoever waits for an answer in vain.
  }
}

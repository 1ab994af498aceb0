import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const program = join(import.meta.dirname, "embedded-holder.ts");

/** What embedded-holder.ts says: what it got, or why not. */
export interface Said {
  readonly url: string;
  readonly pid: number;
  readonly owner: boolean;
  readonly version: string;
  readonly events: readonly string[];
  readonly code?: string;
  readonly message?: string;
}

export interface Holder {
  readonly said: Promise<Said>;
  /** Lets it end as it should, and waits for it. */
  end(): Promise<void>;
  kill(): Promise<void>;
}

/** A process of its own that uses the embedded database of a directory. */
export function startHolder(
  dataDirectory: string,
  options: { readonly program?: string; readonly uid?: number } = {},
): Holder {
  const args = [options.program ?? program, dataDirectory, ...(options.uid === undefined ? [] : [`${options.uid}`])];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(child, "exit");
  const said = firstLine(child);
  said.catch(() => undefined); // Those who kill it first do not ask.
  return {
    said,
    async end() {
      child.stdin.end();
      await exit;
    },
    async kill() {
      child.kill("SIGKILL");
      await exit;
    },
  };
}

async function firstLine(child: ChildProcess & { readonly stdout: NodeJS.ReadableStream }): Promise<Said> {
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line);
  throw new Error("the holder ended without a word");
}

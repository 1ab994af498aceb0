import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { environmentOf } from "../../../test/process/server.ts";
import type { Key } from "../calls.ts";
import type { Lost } from "./late.ts";

/** A process that holds leases and does nothing until it is told to; it ends with its scope, or with this process. */
export interface HolderProcess extends AsyncDisposable {
  signal(signal: NodeJS.Signals): void;
  /** Completes all that it holds, as far as it is let. */
  completes(): Promise<Lost>;
}

const PROGRAM = fileURLToPath(new URL("holder.ts", import.meta.url));

/** Returns once it holds all of them. */
export async function startHolderProcess(
  address: string,
  keys: readonly Key[],
  historyPath: string,
): Promise<HolderProcess> {
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify({ address, keys, historyPath })], {
    stdio: ["pipe", "pipe", "inherit"],
    env: environmentOf({}),
  });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const exited = once(child, "exit");
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the holder has ended");
    return value;
  };
  const end = async () => {
    kill();
    await exited;
    process.off("exit", kill);
  };
  try {
    await next();
  } catch (error) {
    await end();
    throw error;
  }
  return {
    signal: (signal) => void child.kill(signal),
    async completes() {
      child.stdin.write("complete\n");
      const lost = JSON.parse(await next()) as Lost;
      // It has written its history.
      child.stdin.end();
      await exited;
      return lost;
    },
    [Symbol.asyncDispose]: end,
  };
}

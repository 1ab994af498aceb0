import { once } from "node:events";
import type { CommandIo } from "./commands.ts";
import type { Ending } from "./exit-codes.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const satisfies readonly Ending[];

/** Clears the line that the cursor is in, and goes to its beginning. */
const CLEAR_LINE = "\r\u001b[2K";

/** What commands may touch of the process that they run in. */
export function createProcessIo(own: NodeJS.Process): CommandIo {
  const { stdin, stdout, stderr, env } = own;
  const whenClosed = new Set<(why: Ending) => void>();
  stdout.on("error", () => {
    for (const listener of whenClosed) listener("closed");
  });
  let hasProgress = false;

  return {
    out: (text) => void stdout.write(text),
    bytes: (bytes) => void stdout.write(bytes),
    error: (text) => {
      stderr.write(hasProgress ? CLEAR_LINE + text : text);
      hasProgress = false;
    },
    terminal: stdout.isTTY === true,
    env,
    ...(stdout.isTTY && { columns: stdout.columns }),
    ...(stderr.isTTY && {
      progress: (text: string) => {
        stderr.write(CLEAR_LINE + text);
        hasProgress = text !== "";
      },
    }),
    ...(stdin.isTTY && {
      async ask(question: string, signal: AbortSignal) {
        const { createInterface } = await import("node:readline/promises");
        const terminal = createInterface({ input: stdin, output: stderr });
        // Ctrl-D is an answer too, and not yes; Ctrl-C reaches the terminal's reader here, and not the process.
        const ended = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
        terminal.once("SIGINT", () => own.emit("SIGINT", "SIGINT"));
        try {
          return await Promise.race([terminal.question(question, { signal }), ended]);
        } finally {
          terminal.close();
        }
      },
    }),
    async drained() {
      if (!stdout.writableNeedDrain || stdout.destroyed) return;
      const heard = new AbortController();
      const either = ["drain", "close"].map((event) => once(stdout, event, { signal: heard.signal }));
      // An error is somebody who has gone, and is told to those who listen for that.
      await Promise.race(either).catch(() => undefined);
      heard.abort();
      await Promise.allSettled(either);
    },
    onEnding(listener) {
      for (const signal of SIGNALS) own.on(signal, listener);
      whenClosed.add(listener);
      if (stdout.destroyed) listener("closed");
      return () => {
        for (const signal of SIGNALS) own.off(signal, listener);
        whenClosed.delete(listener);
      };
    },
  };
}

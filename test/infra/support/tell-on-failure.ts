import { onTestFailed } from "vitest";
import type { StartingServer } from "../../process/server.ts";

const LINES_MAX = 30;

/** Prints the end of what servers have logged when the test fails: what goes wrong here seldom does so twice. */
export function tellOnFailure(...servers: readonly StartingServer[]): void {
  onTestFailed(() => {
    for (const [index, server] of servers.entries()) {
      const lines = server.lines.slice(-LINES_MAX).map((line) => JSON.stringify(line));
      process.stderr.write(`server ${index} said:\n${lines.join("\n")}\n${server.stderr()}\n`);
    }
  });
}

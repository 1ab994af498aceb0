import type { Readable } from "node:stream";

/**
 * Calls with each line. Not node:readline, which ends lines at U+2028 and U+2029 too: in a JSON text they are characters
 * as others.
 */
export function onLine(stream: Readable, take: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  });
}

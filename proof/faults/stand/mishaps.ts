import type { LogLine, ServerProcess } from "../../../test/process/server.ts";

const EXAMPLE_CHARACTERS = 600;

/**
 * What a server has said that no fault of its surroundings excuses: a bug, an INTERNAL answer, an error that nothing has
 * caught, an end by force, and whatever else goes to standard error.
 */
export function mishapsOf(name: string, server: Pick<ServerProcess, "lines" | "stderr">): readonly string[] {
  const said = server.lines.filter(isMishap).map((line) => JSON.stringify(line).slice(0, EXAMPLE_CHARACTERS));
  const stderr = server.stderr().trim();
  return [...said, ...(stderr === "" ? [] : [stderr.slice(0, EXAMPLE_CHARACTERS)])].map((text) => `${name}: ${text}`);
}

const MISHAP = /"INTERNAL"|\bbug: |an error that nothing has caught|ended by force|the server cannot go on/;

function isMishap(line: LogLine): boolean {
  return (line.level === "error" || line.level === "fatal") && MISHAP.test(JSON.stringify(line));
}

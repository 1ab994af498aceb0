import { execFileSync } from "node:child_process";

/** What bash makes of a line: its words, as a program would be given them. */
export function wordsOf(line: string): readonly string[] {
  const out = execFileSync("bash", ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" });
  return out.split("\0").slice(0, -1);
}

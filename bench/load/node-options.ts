import { readFileSync } from "node:fs";

const MAIN = new URL("../../src/main.ts", import.meta.url);

/** What Node is given when the service is started as users start it: the words after `node` in the first line of the bin. */
export function serverNodeOptions(): readonly string[] {
  const [first = ""] = readFileSync(MAIN, "utf8").split("\n", 1);
  return first
    .replace(/^#!.*?\bnode\b/, "")
    .trim()
    .split(/\s+/);
}

import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** What some entries need, of compiled files: all in their folder, and what they import from elsewhere. */
export interface Graph {
  /** Absolute paths, sorted. */
  readonly files: readonly string[];
  /** By name, sorted: no files below them, and nothing of Node's own. */
  readonly packages: readonly string[];
}

/**
 * Follows the imports of files that tsc has written, .js or .d.ts. Those of a declaration name .js files, and mean the
 * declarations beside them.
 */
export function graphOf(entries: readonly string[]): Graph {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const specifier of specifiersOf(readFileSync(path, "utf8"))) {
      if (specifier.startsWith(".")) waiting.push(fileOf(path, specifier));
      else if (!specifier.startsWith("node:")) packages.add(packageOf(specifier));
    }
  }
  return { files: [...seen].sort(), packages: [...packages].sort() };
}

/** tsc writes each import on a line of its own, and begins it there; lines of comments begin otherwise. */
const STATEMENT = /^(?:import|export)\b(?:[^"\n]*\bfrom)? ?"([^"\n]+)";$/gm;
const EXPRESSION = /\bimport\("([^"\n]+)"\)/g;

export function specifiersOf(text: string): readonly string[] {
  const code = text.replace(/^ *(?:\*|\/\*|\/\/).*$/gm, "");
  return [...code.matchAll(STATEMENT), ...code.matchAll(EXPRESSION)].map(([, specifier]) => specifier ?? "");
}

function fileOf(from: string, specifier: string): string {
  const target = resolve(dirname(from), specifier);
  const file = from.endsWith(".d.ts") ? target.replace(/\.js$/, ".d.ts") : target;
  if (!existsSync(file)) throw new Error(`${from} imports ${specifier}, which is not there`);
  return file;
}

function packageOf(specifier: string): string {
  const [first = "", second = ""] = specifier.split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
}

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** A change of one place of a file. */
export interface Change {
  readonly id: string;
  /** From the root of the tree. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** The line in which it begins, without what indents it. */
  readonly text: string;
  /** What was there and what is there instead; of what takes several lines the first is shown. */
  readonly what: string;
}

/** As the instrumenter tells of it. Lines and columns count from 0. */
export interface Mutant {
  readonly id: string;
  readonly fileName: string;
  readonly replacement: string;
  readonly location: { readonly start: Place; readonly end: Place };
}

interface Place {
  readonly line: number;
  readonly column: number;
}

const PACKAGES = join(import.meta.dirname, "node_modules");

/** Whether its packages are there: they are no dependency of the project. */
export function isInstalled(): boolean {
  return existsSync(PACKAGES);
}

/**
 * Writes all changes of these files of a tree into them, each behind a switch that is off: one run of the tests can turn
 * on one after the other.
 */
export async function instrument(root: string, names: readonly string[]): Promise<readonly Change[]> {
  const instrumenter = await createInstrumenter();
  const files = await Promise.all(
    names.map(async (name) => ({ name, mutate: true, content: await readFile(join(root, name), "utf8") })),
  );
  const sources = new Map(files.map(({ name, content }) => [name, content]));
  const { files: changed, mutants } = await instrumenter.instrument(files, OPTIONS);
  for (const { name, content } of changed) await writeFile(join(root, name), content);
  return mutants.map((mutant) => changeOf(mutant, sources.get(mutant.fileName) ?? ""));
}

export function changeOf({ id, fileName, replacement, location }: Mutant, source: string): Change {
  const { start, end } = location;
  const line = source.split("\n")[start.line] ?? "";
  const before = line.slice(start.column, start.line === end.line ? end.column : undefined);
  const after = replacement.replaceAll(/\s+/g, " ");
  const what = `${before}${start.line === end.line ? "" : " …"}  =>  ${after}`;
  return { id, file: fileName, line: start.line + 1, text: line.trim(), what };
}

const OPTIONS = { plugins: null, excludedMutations: [], ignorers: [] };

/** What is used of it; its packages have types of their own, which are there only where it is installed. */
interface Instrumenter {
  instrument(
    files: readonly { readonly name: string; readonly mutate: boolean; readonly content: string }[],
    options: typeof OPTIONS,
  ): Promise<{
    readonly files: readonly { readonly name: string; readonly content: string }[];
    readonly mutants: readonly Mutant[];
  }>;
}

async function createInstrumenter(): Promise<Instrumenter> {
  const load = (file: string) => import(pathToFileURL(join(PACKAGES, file)).href);
  const { createInjector } = await load("typed-inject/dist/src/index.js");
  const { commonTokens } = await load("@stryker-mutator/api/dist/src/plugin/index.js");
  const instrumenter = await load("@stryker-mutator/instrumenter/dist/src/index.js");
  const quiet = { debug() {}, info() {}, warn() {}, isDebugEnabled: () => false };
  return createInjector()
    .provideValue(commonTokens.logger, quiet)
    .injectFunction(instrumenter.createInstrumenter) as Instrumenter;
}

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import type { Note } from "./programs.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A file in which the suites write down what they used and what they left out. */
    readonly infraNotes: string;
  }
}

let directory = "";

export async function setup(project: TestProject): Promise<void> {
  directory = await mkdtemp(join(tmpdir(), "holdfast-infra-"));
  const notes = join(directory, "notes");
  await writeFile(notes, "");
  project.provide("infraNotes", notes);
}

/** The last words of a run, so that nobody takes what was skipped for passed. */
export async function teardown(): Promise<void> {
  const lines = (await readFile(join(directory, "notes"), "utf8")).split("\n").filter((line) => line !== "");
  await rm(directory, { recursive: true, force: true });
  const notes = lines.map((line) => JSON.parse(line) as Note);
  const used = new Set(notes.flatMap((note) => note.used ?? []));
  const skipped = new Set(notes.flatMap((note) => note.skipped ?? []));
  const measured = new Set(notes.flatMap((note) => note.measured ?? []));
  const told = [
    ...["", "Programs of others that were used:", ...indented(used)],
    ...["Measured:", ...indented(measured)],
    ...["Skipped, and why:", ...indented(skipped), ""],
  ];
  process.stderr.write(told.join("\n"));
}

function indented(lines: ReadonlySet<string>): readonly string[] {
  return lines.size === 0 ? ["  nothing"] : [...lines].map((line) => `  ${line}`);
}

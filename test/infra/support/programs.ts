import { appendFile } from "node:fs/promises";
import { describe, inject, test } from "vitest";
import { findProgram, type Program, type ProgramName } from "./packages.ts";

export type Programs<Name extends ProgramName> = Readonly<Record<Name, Program>>;

/**
 * A `describe` that needs programs of others. Without one of them it is skipped, under a name that says why; the end of
 * the run says so once more. To be awaited at the top of a file.
 */
export async function describeWith<const Name extends ProgramName>(
  names: readonly Name[],
  title: string,
  body: (programs: Programs<Name>) => void,
): Promise<void> {
  const programs: Partial<Record<Name, Program>> = {};
  const missing: string[] = [];
  for (const name of names) {
    const found = await findProgram(name);
    if (found.kind === "found") programs[name] = found;
    else missing.push(`${name} ${found.why}`);
    if (found.kind === "found") await note({ used: `${name}: ${found.version} (${found.path})` });
  }
  if (missing.length === 0) return void describe(title, () => body(programs as Programs<Name>));
  const why = missing.join("; ");
  await note({ skipped: `${title}: ${why}` });
  describe.skipIf(true)(title, () => test(why, () => undefined));
}

/** Says that something of a suite was left out, for the end of the run. */
export function noteSkipped(what: string): Promise<void> {
  return note({ skipped: what });
}

/** Says what a suite found out and does not judge, for the end of the run. */
export function noteMeasured(what: string): Promise<void> {
  return note({ measured: what });
}

/** What the end of the run tells. */
export interface Note {
  readonly used?: string;
  readonly measured?: string;
  readonly skipped?: string;
}

function note(line: Note): Promise<void> {
  return appendFile(inject("infraNotes"), `${JSON.stringify(line)}\n`);
}

import { readFileSync } from "node:fs";

/** A statement as it is prepared: its name is that of its file. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Reads `<name>.sql` beside this file. A statement never varies; what varies are its arguments. */
export function loadStatement(name: string): Statement {
  return { name, text: withoutComments(readFileSync(new URL(`${name}.sql`, import.meta.url), "utf8")) };
}

/**
 * Without the lines of comment and the indentation: Postgres copies a statement's text several times whenever it is run.
 * No string in our statements spans lines, as a test sees to.
 */
function withoutComments(text: string): string {
  return text.replace(/^\s*--.*\n/gm, "").replace(/^\s+/gm, "");
}

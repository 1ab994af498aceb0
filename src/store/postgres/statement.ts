import { readFileSync } from "node:fs";

/** A statement as it is prepared: its name is that of its file. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Reads `<name>.sql` beside this file. A statement never varies; what varies are its arguments. */
export function loadStatement(name: string): Statement {
  return { name, text: readFileSync(new URL(`${name}.sql`, import.meta.url), "utf8") };
}

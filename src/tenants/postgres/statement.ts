import { readFileSync } from "node:fs";
import type { Statement } from "../../store/postgres/statement.ts";

/** Reads `<name>.sql` beside this file. */
export function loadStatement(name: string): Statement {
  return { name, text: readFileSync(new URL(`${name}.sql`, import.meta.url), "utf8") };
}

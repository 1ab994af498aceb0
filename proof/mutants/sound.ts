import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withClient } from "../../src/store/postgres/connection.ts";
import { withPostgres } from "./checks/stand.ts";
import type { Mutant } from "./mutant.ts";
import { applyPatch } from "./patch.ts";
import { runNode } from "./run.ts";
import type { Tree } from "./tree.ts";

/**
 * What does not even parse makes every check fail, and shows nothing: so each statement that a mutant changes is prepared
 * and each module loaded before its checks.
 */

const ROOT = join(import.meta.dirname, "../..");
const LOADS = "proof/mutants/checks/loads.ts";

/** By id, why Postgres does not take a statement of the mutant; on one Postgres for all. */
export async function unpreparedOf(mutants: readonly Mutant[]): Promise<ReadonlyMap<string, string>> {
  if (mutants.every((mutant) => changedBy(mutant, ".sql").length === 0)) return new Map();
  return await withPostgres({}, ({ url }) => unpreparedAt(url, mutants));
}

/** The same, on a database that has the schema. */
export async function unpreparedAt(url: string, mutants: readonly Mutant[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  await withClient({ url }, async (client) => {
    for (const mutant of mutants) {
      for (const file of changedBy(mutant, ".sql")) {
        const error = await client.query(`prepare mutated as ${await mutatedText(mutant, file)}`).catch(asError);
        if (error instanceof Error) found.set(mutant.id, `${file} cannot be prepared: ${error.message}`);
        else await client.query("deallocate mutated");
      }
    }
  });
  return found;
}

const asError = (error: Error) => error;

/** Why a module of the mutant cannot be loaded; null: all can. */
export async function unloadedOf(tree: Tree, mutant: Mutant): Promise<string | null> {
  const files = changedBy(mutant, ".ts");
  if (files.length === 0) return null;
  const { code, output } = await runNode(tree, [LOADS, ...files]);
  return code === 0 ? null : `${files.join(", ")} cannot be loaded: ${output.trim()}`;
}

function changedBy({ patches }: Mutant, ending: string): readonly string[] {
  return [...new Set(patches.map(({ file }) => file))].filter((file) => file.endsWith(ending));
}

async function mutatedText({ patches }: Mutant, file: string): Promise<string> {
  const own = patches.filter((patch) => patch.file === file);
  return own.reduce((text, patch) => applyPatch(text, patch), await readFile(join(ROOT, file), "utf8"));
}

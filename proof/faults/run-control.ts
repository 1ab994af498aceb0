import { CannotRun } from "./cannot-run.ts";
import type { ControlOutcome } from "./report.ts";
import type { Control, Row } from "./row.ts";
import { runRow } from "./run-row.ts";
import { createStand } from "./stand/create-stand.ts";
import type { StandOptions } from "./stand/stand.ts";
import { NOTHING_JUDGED } from "./verdict.ts";

export interface ControlOptions {
  readonly seed: number;
  readonly say: (text: string) => void;
}

/** What is lost is lost by chance: so often it may be lucky. */
const TRIES = 5;
/** It is to be violated, and need not be told at how many keys. */
const SEARCH_SECONDS = 2;

/** Runs the row's short form with something taken out, which has to make it fail in the way that it says. */
export async function runControl(row: Row, control: Control, { seed, say }: ControlOptions): Promise<ControlOutcome> {
  const what = control.kind === "mutant" ? `mutant ${control.mutant}` : control.what;
  try {
    await using opening = new AsyncDisposableStack();
    const change = await changeOf(control, opening);
    let last = "";
    for (let tries = 0; tries < TRIES; tries++) {
      say(`${row.id}: with ${what} …`);
      await using stand = await createStand({ ...row.stand, ...change });
      const times = row.times.short ?? 1;
      const searching = { searchSeconds: SEARCH_SECONDS, isFull: false, judgesTimes: true, keep: null };
      const { faults } = await runRow(row, { stand, seed: seed + tries, times, say, ...searching });
      const fault = faults.find((text) => control.fails.test(text) && !text.endsWith(NOTHING_JUDGED));
      if (fault !== undefined) return { kind: "fails", what, why: fault };
      last = faults.length === 0 ? "nothing was found" : `it fails otherwise: ${faults.join("; ")}`;
    }
    return { kind: "holds", what, why: `${TRIES} times, ${last}` };
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: error instanceof CannotRun ? "left-out" : "broken", what, why };
  }
}

async function changeOf(control: Control, opening: AsyncDisposableStack): Promise<Partial<StandOptions>> {
  if (control.kind === "stand") return control.stand;
  const { treeWith } = await import("../mutants/tree.ts");
  const tree = opening.use(await treeWith(await patchesOf(control.mutant), control.mutant));
  return { tree: tree.path };
}

/** @throws if one of them is not there */
async function patchesOf(names: string) {
  const { MUTANTS } = await import("../mutants/mutants.ts");
  return names.split("+").flatMap((name) => {
    const mutant = MUTANTS.find(({ id }) => id === name);
    if (mutant === undefined) throw new Error(`no mutant is called ${name}`);
    return mutant.patches;
  });
}

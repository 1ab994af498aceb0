import { jsonOf, runProgram, writeOut } from "../command-line.ts";
import { readCommit } from "../commit.ts";
import type { Check, Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { HELP, parseOptions, type RunOptions } from "./options.ts";
import { type CheckReport, checkReport, exitCodeOf, linesOf, mutantReport, type Report, summaryOf } from "./report.ts";
import { commandOf, type Finding, runCheck } from "./run.ts";
import { unloadedOf, unpreparedOf } from "./sound.ts";
import { honestTree, mutantTree, type Tree } from "./tree.ts";

// An exit removes the copies; a signal alone would leave them.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(2));

const program = { name: "mutants", command: "node proof/mutants/main.ts", help: HELP };
await runProgram(program, parseOptions(process.argv.slice(2)), ({ options }) => run(options));

async function run({ only, honest, json, out }: RunOptions): Promise<number> {
  const startedMs = performance.now();
  const commit = await readCommit();
  await using stack = new AsyncDisposableStack();
  const chosen = MUTANTS.filter(({ id }) => only === null || only.includes(id));
  const judge = createJudge(honest ? stack.use(await honestTree()) : null, await unpreparedOf(chosen));
  const mutants = [];
  for (const mutant of chosen) {
    const found = mutantReport(mutant, await judge(mutant));
    mutants.push(found);
    if (!json) print(`${linesOf(found).join("\n")}\n`);
  }
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const date = new Date().toISOString().slice(0, 10);
  const report: Report = { date, commit, node: process.version, seconds, mutants };
  writeOut(out, report);
  process.stdout.write(json ? jsonOf(report) : `${summaryOf(report)}\n`);
  return exitCodeOf(mutants);
}

/**
 * @param honest null: that a check passes where nothing is taken out is taken for granted
 * @param unprepared by the id of a mutant, why there is none of it
 */
function createJudge(
  honest: Tree | null,
  unprepared: ReadonlyMap<string, string>,
): (mutant: Mutant) => Promise<readonly CheckReport[]> {
  /** By command: several mutants share a check. */
  const honestly = new Map<string, Finding>();

  const findHonestly = async (check: Check): Promise<Finding> => {
    // Of the simulation the gate runs ten times as many seeds.
    if (honest === null || check.layer === "simulation") return { kind: "passed" };
    const command = commandOf(check);
    const finding = honestly.get(command) ?? (await runCheck(honest, check));
    honestly.set(command, finding);
    return finding;
  };

  return async (mutant) => {
    await using tree = await mutantTree(mutant.id);
    const why = unprepared.get(mutant.id) ?? (await unloadedOf(tree, mutant));
    if (why !== null) return mutant.killedBy.map((check) => checkReport(check, { kind: "broken", why }, 0));
    const reports = [];
    for (const check of mutant.killedBy) {
      const without = await findHonestly(check);
      const startedMs = performance.now();
      const finding = without.kind === "passed" ? await runCheck(tree, check) : failsAnyway(without);
      reports.push(checkReport(check, finding, performance.now() - startedMs));
    }
    return reports;
  };
}

function failsAnyway(finding: Exclude<Finding, { readonly kind: "passed" }>): Finding {
  const by = finding.kind === "failed" ? `${finding.by}: ` : "";
  return { kind: "broken", why: `it does not pass where nothing is taken out: ${by}${finding.why}` };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

import { writeFile } from "node:fs/promises";
import type { Check, Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { HELP, parseOptions, type RunOptions } from "./options.ts";
import { type CheckReport, checkReport, exitCodeOf, linesOf, mutantReport, type Report, summaryOf } from "./report.ts";
import { commandOf, type Finding, runCheck } from "./run.ts";
import { honestTree, mutantTree, type Tree } from "./tree.ts";

// An exit removes the copies; a signal alone would leave them.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(2));

const parsed = parseOptions(process.argv.slice(2));
try {
  switch (parsed.kind) {
    case "help":
      process.stdout.write(HELP);
      break;
    case "refused":
      process.stderr.write(`mutants: ${parsed.why}\nSee node proof/mutants/main.ts --help\n`);
      process.exitCode = 2;
      break;
    case "run":
      process.exitCode = await run(parsed.options);
  }
} catch (error) {
  process.stderr.write(`mutants: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 2;
}

async function run({ only, honest, json, out }: RunOptions): Promise<number> {
  const startedMs = performance.now();
  await using stack = new AsyncDisposableStack();
  const judge = createJudge(honest ? stack.use(await honestTree()) : null);
  const chosen = MUTANTS.filter(({ id }) => only === null || only.includes(id));
  const mutants = [];
  for (const mutant of chosen) {
    const found = mutantReport(mutant, await judge(mutant));
    mutants.push(found);
    if (!json) print(`${linesOf(found).join("\n")}\n`);
  }
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const report: Report = { date: new Date().toISOString().slice(0, 10), node: process.version, seconds, mutants };
  const text = JSON.stringify(report, null, 2);
  if (out !== null) await writeFile(out, `${text}\n`);
  print(json ? text : summaryOf(report));
  return exitCodeOf(mutants);
}

/** @param honest null: that a check passes where nothing is taken out is taken for granted */
function createJudge(honest: Tree | null): (mutant: Mutant) => Promise<readonly CheckReport[]> {
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

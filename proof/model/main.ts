import { type Explored, explore } from "./explore.ts";
import { MUTANT_NAMES } from "./mutants.ts";
import { HELP, parseOptions, type RunOptions } from "./options.ts";
import { exitCodeOf, type Line, lineText, type Report, sumText } from "./report.ts";
import { KILLING, SCENARIOS, type Sized } from "./scenarios.ts";
import type { Checked } from "./tlc/output.ts";
import { configurationsOf, findTlc, type Group, runTlc } from "./tlc/run.ts";

const parsed = parseOptions(process.argv.slice(2));
switch (parsed.kind) {
  case "help":
    process.stdout.write(HELP);
    break;
  case "refused":
    process.stderr.write(`model: ${parsed.why}\nSee node proof/model/main.ts --help\n`);
    process.exitCode = 2;
    break;
  case "run":
    process.exitCode = await run(parsed.options);
}

async function run(options: RunOptions): Promise<number> {
  const say = (text: string) => (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  const explored = options.by.includes("explorer") ? exploreAll(options, say) : [];
  const tlc = options.by.includes("tlc") ? await checkAll(options, say) : { lines: [], withoutTlc: null };
  const report: Report = { size: options.size, lines: [...explored, ...tlc.lines], withoutTlc: tlc.withoutTlc };
  if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  return exitCodeOf(report);
}

type Say = (text: string) => void;

function exploreAll({ size, mutants, trace }: RunOptions, say: Say): readonly Line[] {
  const lines: Line[] = [];
  const add = (line: Line) => {
    lines.push(line);
    tellOf(line, trace, say);
  };
  say("explorer, over the reducer itself");
  for (const sized of SCENARIOS[size]) add(timed(() => scenarioLine(sized, explore(sized.scenario, null))));
  for (const name of mutants ? MUTANT_NAMES : []) add(timed(() => mutantLine(name, explore(KILLING[name], name))));
  say(sumText(lines));
  return lines;
}

function timed(work: () => Omit<Line, "seconds">): Line {
  const began = performance.now();
  return { ...work(), seconds: (performance.now() - began) / 1000 };
}

function scenarioLine({ scenario, ...documented }: Sized, explored: Explored): Omit<Line, "seconds"> {
  const { states, steps, depth, violation } = explored;
  const isAsDocumented = states === documented.states && steps === documented.steps && depth === documented.depth;
  const said = isAsDocumented ? "every promise kept" : `other counts than the documented ${documented.states} states`;
  return {
    ...{ by: "explorer", name: scenario.name, isMutant: false, states, steps, depth, isUndecided: false },
    isProved: violation === null && isAsDocumented,
    said: violation === null ? said : `${violation.promise} IS BROKEN`,
    trace: violation?.trace ?? [],
  };
}

function mutantLine(name: string, { states, steps, depth, violation }: Explored): Omit<Line, "seconds"> {
  return {
    ...{ by: "explorer", name, isMutant: true, states, steps, depth, isUndecided: false },
    isProved: violation !== null,
    said: violation === null ? "LIVES" : `killed by ${violation.promise}, after ${violation.trace.length} steps`,
    trace: violation?.trace ?? [],
  };
}

async function checkAll(options: RunOptions, say: Say): Promise<Pick<Report, "lines" | "withoutTlc">> {
  const tlc = await findTlc();
  if ("why" in tlc) {
    say(`TLC does not run here: ${tlc.why}`);
    return { lines: [], withoutTlc: tlc.why };
  }
  say(`TLC over Holdfast.tla (${tlc.java})`);
  const groups: readonly Group[] = options.mutants ? [options.size, "mutants"] : [options.size];
  const lines: Line[] = [];
  for (const group of groups) {
    for (const name of await configurationsOf(group)) {
      const began = performance.now();
      const checked = await runTlc(tlc.jar, group, name);
      const line = checkedLine(name, group === "mutants", checked, (performance.now() - began) / 1000);
      lines.push(line);
      tellOf(line, options.trace, say);
    }
  }
  say(sumText(lines));
  return { lines, withoutTlc: null };
}

function checkedLine(name: string, isMutant: boolean, checked: Checked, seconds: number): Line {
  const { generated, distinct, depth, verdict } = checked;
  return {
    ...{ by: "tlc", name, isMutant, states: distinct, steps: generated, depth, seconds },
    isProved: verdict.kind === (isMutant ? "violated" : "kept"),
    isUndecided: verdict.kind === "failed",
    said: saidOf(verdict, isMutant),
    trace: verdict.kind === "violated" ? verdict.trace : [],
  };
}

function saidOf(verdict: Checked["verdict"], isMutant: boolean): string {
  switch (verdict.kind) {
    case "kept":
      return isMutant ? "LIVES" : "every promise kept";
    case "violated":
      return isMutant
        ? `killed by ${verdict.promise}, after ${verdict.trace.length} steps`
        : `${verdict.promise} IS BROKEN`;
    case "failed":
      return `UNDECIDED: ${verdict.why}`;
  }
}

/** A violation that should not be is always shown. */
function tellOf(line: Line, withTraces: boolean, say: Say): void {
  say(lineText(line));
  if (withTraces || !line.isProved) for (const [i, step] of line.trace.entries()) say(`      ${i + 1}. ${step}`);
}

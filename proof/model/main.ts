import { jsonOf, runProgram } from "../command-line.ts";
import { explore } from "./explore.ts";
import { checkedLine, mutantLine, scenarioLine, type Unfinished } from "./lines.ts";
import { MUTANT_NAMES } from "./mutants.ts";
import { HELP, parseOptions, type RunOptions } from "./options.ts";
import { exitCodeOf, type Line, lineText, type Report, sumText } from "./report.ts";
import { KILLING, SCENARIOS } from "./scenarios.ts";
import { configurationsOf, findTlc, type Group, runTlc } from "./tlc/run.ts";

const program = { name: "model", command: "node proof/model/main.ts", help: HELP };
await runProgram(program, parseOptions(process.argv.slice(2)), ({ options }) => run(options));

async function run(options: RunOptions): Promise<number> {
  const say = (text: string) => (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  const explored = options.by.includes("explorer") ? exploreAll(options, say) : [];
  const tlc = options.by.includes("tlc") ? await checkAll(options, say) : { lines: [], withoutTlc: null };
  const report: Report = { size: options.size, lines: [...explored, ...tlc.lines], withoutTlc: tlc.withoutTlc };
  if (options.json) process.stdout.write(jsonOf(report));
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

function timed(work: () => Unfinished): Line {
  const began = performance.now();
  return { ...work(), seconds: (performance.now() - began) / 1000 };
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
      const line = { ...checkedLine(name, group, checked), seconds: (performance.now() - began) / 1000 };
      lines.push(line);
      tellOf(line, options.trace, say);
    }
  }
  say(sumText(lines));
  return { lines, withoutTlc: null };
}

/** A violation that should not be is always shown. */
function tellOf(line: Line, withTraces: boolean, say: Say): void {
  say(lineText(line));
  if (withTraces || !line.isProved) for (const [i, step] of line.trace.entries()) say(`      ${i + 1}. ${step}`);
}

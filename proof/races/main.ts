import { jsonOf, runProgram, writeOut } from "../command-line.ts";
import { readCommit } from "../commit.ts";
import { helpOf, parseOptions, type RunOptions } from "./options.ts";
import { RACES } from "./races.ts";
import { controlText, exitCodeOf, type RaceReport, type Report, raceText } from "./report.ts";
import { BOUND_MS, runControl, runRace } from "./run.ts";
import { startPostgres } from "./stand/postgres.ts";

const program = { name: "races", command: "node proof/races/main.ts", help: helpOf(RACES) };
await runProgram(program, parseOptions(process.argv.slice(2), RACES), ({ options }) => run(options));

async function run(options: RunOptions): Promise<number> {
  const { size, seed, json, out } = options;
  const say = (text: string) => void (json ? process.stderr : process.stdout).write(`${text}\n`);
  const startTime = new Date().toISOString();
  const commit = await readCommit();
  await using postgres = await startPostgres();
  say(`PostgreSQL ${postgres.version}, seed ${seed}`);
  const races: RaceReport[] = [];
  for (const race of options.races) races.push(await runOne(race, postgres.url, options, say));
  const { version: node } = process;
  const report: Report = {
    ...{ kind: "races", startTime, commit, node: node.slice(1), postgres: postgres.version, size, seed, races },
  };
  writeOut(out, report);
  if (json) process.stdout.write(jsonOf(report));
  return exitCodeOf(report);
}

async function runOne(
  race: (typeof RACES)[number],
  url: string,
  { seed, size, trials, controls }: RunOptions,
  say: (text: string) => void,
): Promise<RaceReport> {
  const deps = { url, seed, size, trials, boundMs: BOUND_MS };
  const report = await runRace(race, deps);
  say(`\n${raceText(report)}`);
  const controlled = [];
  for (const control of controls ? race.controls : []) {
    const told = await runControl(race, control, deps);
    say(controlText(told));
    controlled.push(told);
  }
  return { ...report, controls: controlled };
}

import { writeFile } from "node:fs/promises";
import { helpOf, parseOptions, type RunOptions } from "./options.ts";
import { RACES } from "./races.ts";
import { controlText, EXIT, exitCodeOf, type RaceReport, type Report, raceText } from "./report.ts";
import { BOUND_MS, runControl, runRace } from "./run.ts";
import { startPostgres } from "./stand/postgres.ts";

const parsed = parseOptions(process.argv.slice(2), RACES);
switch (parsed.kind) {
  case "help":
    process.stdout.write(helpOf(RACES));
    break;
  case "refused":
    refuse(`${parsed.why}\nSee node proof/races/main.ts --help`);
    break;
  case "run":
    try {
      process.exitCode = await run(parsed.options);
    } catch (error) {
      refuse(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
}

async function run(options: RunOptions): Promise<number> {
  const { size, seed, json, out } = options;
  const say = (text: string) => void (json ? process.stderr : process.stdout).write(`${text}\n`);
  const startTime = new Date().toISOString();
  await using postgres = await startPostgres();
  say(`PostgreSQL ${postgres.version}, seed ${seed}`);
  const races: RaceReport[] = [];
  for (const race of options.races) races.push(await runOne(race, postgres.url, options, say));
  const { version: node } = process;
  const report: Report = {
    ...{ kind: "races", startTime, node: node.slice(1), postgres: postgres.version, size, seed, races },
  };
  const text = `${JSON.stringify(report, null, 2)}\n`;
  if (json) process.stdout.write(text);
  if (out !== null) await writeFile(out, text);
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

function refuse(why: string): void {
  process.stderr.write(`races: ${why}\n`);
  process.exitCode = EXIT.COULD_NOT_RUN;
}

import { runProgram } from "../command-line.ts";
import { HELP, parseOptions, type SeedsOptions } from "./options.ts";
import { type Failing, type MutantReport, runMutants, runOne, runSeeds } from "./seeds.ts";

const program = { name: "sim", command: "npm run sim --", help: HELP };
const run = { trace, seeds, mutants };
await runProgram(program, parseOptions(process.argv.slice(2)), ({ kind, options }) => run[kind](options));

async function trace(options: SeedsOptions): Promise<number> {
  const { trace: lines, ...run } = await runOne(options.from, options, true);
  if (options.json) print(JSON.stringify({ ...run, trace: lines }));
  else {
    for (const line of lines) print(line);
    print(`\nseed ${run.seed}, ${run.weather}: ${run.fault ?? "nothing went wrong"}`);
  }
  return run.fault === null ? 0 : 1;
}

async function seeds(options: SeedsOptions): Promise<number> {
  const startedMs = performance.now();
  const report = await runSeeds(options, options.json ? undefined : (failing) => print(lineOf(failing, options)));
  const seconds = (performance.now() - startedMs) / 1000;
  const seedsPerSecond = report.seeds / seconds;
  if (options.json) print(JSON.stringify({ ...report, seconds, seedsPerSecond }));
  else {
    const { calls, acquired, takenOver, ended, faults, unknown } = report.counts;
    print(`${report.seeds} seeds from ${report.from}: ${report.failing.length} failing`);
    print(`${calls} calls, ${acquired} leases (${takenOver} taken over), ${ended} ends, ${unknown} unknown outcomes`);
    print(`${faults} faults, ${Math.round(report.virtualMs / 1000)} s of virtual time, ${report.events} events`);
    print(`${seconds.toFixed(1)} s, ${seedsPerSecond.toFixed(1)} seeds a second`);
  }
  return report.failing.length === 0 ? 0 : 1;
}

async function mutants(options: SeedsOptions): Promise<number> {
  if (!options.json)
    print(`${"mutant".padEnd(8)}${"weather".padEnd(9)}${"seed".padStart(5)}  what it does, and what shows it`);
  const reports = await runMutants(options, options.json ? undefined : printMutant);
  if (options.json) print(JSON.stringify(reports));
  return reports.every(({ killed }) => killed !== null) ? 0 : 1;
}

function printMutant({ id, name, weather, killed }: MutantReport): void {
  print(`${id.padEnd(8)}${weather.padEnd(9)}${(killed === null ? "lives" : `${killed.seed}`).padStart(5)}  ${name}`);
  if (killed !== null) print(`${" ".repeat(24)}${killed.fault.split("\n")[0]}`);
}

function lineOf({ seed, weather, atMs, fault }: Failing, options: SeedsOptions): string {
  const flags = [
    `--seed ${seed} --trace`,
    ...(options.weather === null ? [] : [`--weather ${options.weather}`]),
    ...(options.mutant === null ? [] : [`--mutant ${options.mutant.id}`]),
  ];
  const at = `${(atMs / 1000).toFixed(3)} s`;
  return `seed ${seed}, ${weather}, after ${at}: ${fault}\n  again: npm run sim -- ${flags.join(" ")}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

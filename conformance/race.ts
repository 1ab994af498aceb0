import { jsonOf, runProgram, writeOut } from "../proof/command-line.ts";
import { startPostgres } from "../proof/races/stand/postgres.ts";
import { startServer } from "../test/process/server.ts";
import { type Prepared, prepareDriver } from "./drivers.ts";
import { HELP, parseOptions, type RaceArguments } from "./race/options.ts";
import { type RaceFigures, race } from "./race/run.ts";

/** A killed worker's keys wait for so long. */
const LEASE_MS = 2_000;

const program = { name: "race", command: "node conformance/race.ts", help: HELP };
await runProgram(program, parseOptions(process.argv.slice(2)), ({ options }) => run(options));

async function run({ languages, json, out, ...options }: RaceArguments): Promise<number> {
  const say = (text: string) => void (json ? process.stderr : process.stdout).write(`${text}\n`);
  const prepared = await Promise.all(languages.map(prepareDriver));
  for (const { leftOut } of prepared) if (leftOut !== undefined) say(leftOut);
  const drivers = prepared.flatMap(({ command }: Prepared) => command ?? []);
  if (drivers.length === 0) throw new Error("no language is left to race");
  await using postgres = await startPostgres();
  await using server = await startServer({ databaseUrl: postgres.url });
  say(`seed ${options.seed}, PostgreSQL ${postgres.version}`);
  const figures = await race({ ...options, drivers, address: server.grpc, leaseMs: LEASE_MS });
  const report = { kind: "race-of-clients", startTime: new Date().toISOString(), seed: options.seed, ...figures };
  writeOut(out, report);
  if (json) process.stdout.write(jsonOf(report));
  else say(textOf(figures));
  return figures.violations.length === 0 ? 0 : 1;
}

function textOf({ workers, keys, kills, answers, ledger, violations, ...rest }: RaceFigures): string {
  const named = Object.entries(workers).map(([language, count]) => `${count} in ${language}`);
  return [
    `${named.join(", ")}: ${keys} keys, ${kills} kills, ${answers} answers in ${rest.seconds} s`,
    `work done              ${ledger.executions} times for ${ledger.keys} keys, in ${ledger.attempts} attempts`,
    `results                the same bytes from all workers for ${rest.keysAnsweredAlike} of ${keys} keys`,
    `fingerprints           the same of all workers for ${rest.fingerprintsAlike} of ${keys} inputs`,
    `found done             ${ledger.foundDone} times, by an attempt after one that was killed before it had said so`,
    `refused by the fence   ${ledger.refused} times; ${ledger.overlaps} attempts began while another was alive`,
    violations.length === 0 ? "nothing was wrong" : `WRONG:\n  ${violations.join("\n  ")}`,
  ].join("\n");
}

import { jsonOf, runProgram, writeOut } from "../command-line.ts";
import { brokenAtTheEnd } from "./measure.ts";
import { HELP, type HostileOptions, parseOptions } from "./options.ts";
import { footOf, headOf, linesOf } from "./report.ts";
import { runHostile } from "./run.ts";
import { openDatabase } from "./stand/database.ts";

const program = { name: "hostile", command: "node proof/hostile/main.ts", help: HELP };
await runProgram(program, parseOptions(process.argv.slice(2)), ({ options }) => run(options));

async function run(options: HostileOptions): Promise<number> {
  await using database = await openDatabase();
  if (!options.json) print(headOf());
  const report = await runHostile(options, {
    databaseUrl: database.url,
    judgesMemory: true,
    onPart: (part) => void (options.json || print(linesOf(part))),
  });
  writeOut(options.out, report);
  process.stdout.write(options.json ? jsonOf(report) : `${footOf(report)}\n`);
  const broken = [...report.parts.flatMap((part) => part.broken), ...brokenAtTheEnd(report)];
  return broken.length === 0 ? 0 : 1;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

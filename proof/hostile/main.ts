import { writeFile } from "node:fs/promises";
import { HELP, type HostileOptions, parseOptions } from "./options.ts";
import { footOf, headOf, linesOf } from "./report.ts";
import { runHostile } from "./run.ts";
import { openDatabase } from "./stand/database.ts";

const parsed = parseOptions(process.argv.slice(2));
switch (parsed.kind) {
  case "help":
    process.stdout.write(HELP);
    break;
  case "refused":
    process.stderr.write(`hostile: ${parsed.why}\nSee node proof/hostile/main.ts --help\n`);
    process.exitCode = 2;
    break;
  case "run":
    try {
      process.exitCode = await run(parsed.options);
    } catch (error) {
      process.stderr.write(`hostile: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exitCode = 2;
    }
}

async function run(options: HostileOptions): Promise<number> {
  await using database = await openDatabase();
  if (!options.json) print(headOf());
  const report = await runHostile(options, {
    databaseUrl: database.url,
    judgesMemory: true,
    onPart: (part) => void (options.json || print(linesOf(part))),
  });
  const json = `${JSON.stringify(report, null, 2)}\n`;
  if (options.json) print(json.trimEnd());
  if (options.out !== null) await writeFile(options.out, json);
  const broken = report.parts.filter((part) => part.broken.length > 0);
  if (!options.json) print(footOf(report));
  return broken.length === 0 ? 0 : 1;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

import { checkHistory } from "./check.ts";
import { HELP, parseOptions, type RunOptions } from "./options.ts";
import { textOf } from "./report.ts";

const EXIT = { OK: 0, VIOLATION: 1, UNDECIDED: 2 } as const;

const parsed = parseOptions(process.argv.slice(2));
switch (parsed.kind) {
  case "help":
    process.stdout.write(HELP);
    break;
  case "refused":
    refuse(`${parsed.why}\nSee node proof/history/main.ts --help`);
    break;
  case "run":
    try {
      process.exitCode = await run(parsed.options);
    } catch (error) {
      refuse(error instanceof Error ? error.message : String(error));
    }
}

async function run({ files, json, visualize, timeoutSeconds }: RunOptions): Promise<number> {
  const report = await checkHistory(files, { visualize, timeoutSeconds });
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
  return EXIT[report.verdict];
}

function refuse(why: string): void {
  process.stderr.write(`histories: ${why}\n`);
  process.exitCode = 2;
}

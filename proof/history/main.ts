import { jsonOf, runProgram } from "../command-line.ts";
import { checkHistory } from "./check.ts";
import { HELP, parseOptions, type RunOptions } from "./options.ts";
import { textOf } from "./report.ts";

const EXIT = { OK: 0, VIOLATION: 1, UNDECIDED: 2 } as const;

const program = { name: "histories", command: "node proof/history/main.ts", help: HELP };
await runProgram(program, parseOptions(process.argv.slice(2)), async ({ options }) => {
  try {
    return await run(options);
  } catch (error) {
    process.stderr.write(`histories: ${error instanceof Error ? error.message : error}\n`);
    return EXIT.UNDECIDED;
  }
});

async function run({ files, json, visualize, timeoutSeconds }: RunOptions): Promise<number> {
  const report = await checkHistory(files, { visualize, timeoutSeconds });
  process.stdout.write(json ? jsonOf(report) : textOf(report));
  return EXIT[report.verdict];
}

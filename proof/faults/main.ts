import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { HELP, parseOptions, type RunOptions } from "./options.ts";
import { exitCodeOf, lineOf } from "./report.ts";
import { ROWS } from "./rows.ts";
import { runRows } from "./run-rows.ts";

// What Node compiles it compiles once, for all the servers.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("../../node_modules/.cache/compiled", import.meta.url));

const parsed = parseOptions(process.argv.slice(2), ROWS, () => randomInt(2 ** 32));
switch (parsed.kind) {
  case "help":
    process.stdout.write(HELP);
    break;
  case "list":
    for (const { id, fault, times } of ROWS) {
      process.stdout.write(`${id.padEnd(6)}${times.short === null ? "--full: " : ""}${fault}\n`);
    }
    break;
  case "refused":
    process.stderr.write(`faults: ${parsed.why}\nSee node proof/faults/main.ts --help\n`);
    process.exitCode = 2;
    break;
  case "run":
    // Servers, databases and directories go with this process, however it ends; see Place and startProgram.
    for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
      process.once(signal, () => process.exit(code));
    }
    try {
      process.exitCode = await run(parsed.options);
    } catch (error) {
      process.stderr.write(`faults: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exitCode = 2;
    }
}

async function run(options: RunOptions): Promise<number> {
  const say = (text: string) => void process.stderr.write(`  ${text}\n`);
  const report = await runRows(options, {
    say,
    onOutcome(outcome, soFar) {
      if (!options.json) process.stdout.write(lineOf(outcome));
      if (options.out !== null) writeFileSync(options.out, `${JSON.stringify(soFar, null, 2)}\n`);
    },
  });
  if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  return exitCodeOf(report);
}

import { randomInt } from "node:crypto";
import { fileURLToPath } from "node:url";
import { jsonOf, runProgram, writeOut } from "../command-line.ts";
import { HELP, parseOptions, type RunOptions } from "./options.ts";
import { exitCodeOf, lineOf } from "./report.ts";
import { ROWS } from "./rows.ts";
import { runRows } from "./run-rows.ts";

// What Node compiles it compiles once, for all the servers.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("../../node_modules/.cache/compiled", import.meta.url));

const parsed = parseOptions(process.argv.slice(2), ROWS, () => randomInt(2 ** 32));
await runProgram({ name: "faults", command: "node proof/faults/main.ts", help: HELP }, parsed, async (wanted) => {
  if (wanted.kind === "run") return run(wanted.options);
  for (const { id, fault, times } of ROWS) {
    process.stdout.write(`${id.padEnd(6)}${times.short === null ? "--full: " : ""}${fault}\n`);
  }
  return 0;
});

async function run(options: RunOptions): Promise<number> {
  // Servers, databases and directories go with this process, however it ends; see Place and startProgram.
  for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.once(signal, () => process.exit(code));
  }
  const say = (text: string) => void process.stderr.write(`  ${text}\n`);
  const report = await runRows(options, {
    say,
    onOutcome(outcome, soFar) {
      if (!options.json) process.stdout.write(lineOf(outcome));
      writeOut(options.out, soFar);
    },
  });
  if (options.json) process.stdout.write(jsonOf(report));
  return exitCodeOf(report);
}

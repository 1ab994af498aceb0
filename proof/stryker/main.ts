import { jsonOf, runProgram, writeOut } from "../command-line.ts";
import { readCommit } from "../commit.ts";
import { EQUIVALENTS } from "./equivalents.ts";
import { isInstalled } from "./instrument.ts";
import { HELP, parseOptions, type RunOptions } from "./options.ts";
import { lineOf, type Report, scoresOf, summaryOf } from "./report.ts";
import { type Judged, judgePart } from "./run.ts";

// An exit removes the copy of the tree; a signal alone would leave it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(2));

const program = { name: "stryker", command: "node proof/stryker/main.ts", help: HELP };
const parsed = parseOptions(process.argv.slice(2));
const missing = { kind: "refused", why: 'it is not installed; "npm ci --prefix proof/stryker" does that' } as const;
await runProgram(program, parsed.kind === "run" && !isInstalled() ? missing : parsed, ({ options }) => run(options));

async function run({ parts, json, out }: RunOptions): Promise<number> {
  const startedAt = new Date().toISOString();
  const startedMs = performance.now();
  const commit = await readCommit();
  const judged: Judged[] = [];
  for (const { part, files } of parts) judged.push(...(await judgePart(part, files)));
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const report: Report = { startedAt, seconds, commit, node: process.version, ...scoresOf(judged, EQUIVALENTS) };
  writeOut(out, report);
  if (json) process.stdout.write(jsonOf(report));
  else process.stdout.write(`${[...report.survivors.map(lineOf), summaryOf(report)].join("\n")}\n`);
  return report.survivors.length === 0 ? 0 : 1;
}

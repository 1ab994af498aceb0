import { jsonOf, runProgram, writeOut } from "../proof/command-line.ts";
import { ARMS } from "./arms.ts";
import { leftFor } from "./bound.ts";
import { startBenchPostgres } from "./database.ts";
import { isEnding } from "./ending.ts";
import { unmeasuredOf } from "./goals.ts";
import { readFdatasyncMs, readHost, readLoad } from "./machine.ts";
import { HELP, parseOptions, type RunOptions } from "./options.ts";
import type { Report, Section } from "./report.ts";
import { missedOf, tableOf } from "./table.ts";

const parsed = parseOptions(process.argv.slice(2), ARMS);
await runProgram({ name: "bench", command: "npm run bench --", help: HELP }, parsed, async (wanted) => {
  if (wanted.kind === "run") return run(wanted.options);
  for (const { id, about, usualSeconds } of ARMS) {
    console.log(`${id.padEnd(14)}${usualSeconds === null ? "--full: " : ""}${about}`);
  }
  return 0;
});

async function run(options: RunOptions): Promise<number> {
  const report = await measure(options);
  writeOut(options.out, report);
  process.stdout.write(options.json ? jsonOf(report) : tableOf(report));
  const missed = missedOf(report.sections);
  const missing = (report.unmeasured ?? []).filter(({ isMissing }) => isMissing).map(({ id }) => id);
  if (missed.length > 0) console.error(`\nmissed: ${missed.join(", ")}`);
  if (missing.length > 0) console.error(`\nnot measured: ${missing.join(", ")}`);
  if (report.failed !== undefined) return 2;
  return missed.length === 0 && missing.length === 0 ? 0 : 1;
}

async function measure(options: RunOptions): Promise<Report> {
  const { arms, rounds, ms, full } = options;
  const startedAt = new Date().toISOString();
  const loadAtStart = readLoad();
  const beganMs = performance.now();
  const secondsSince = (ms: number) => Math.round((performance.now() - ms) / 1000);
  await using postgres = await startBenchPostgres();
  const fdatasyncMs = await readFdatasyncMs(postgres.directory);
  const sections: Section[] = [];
  const leftOut: string[] = [];
  let usualSeconds = 0;
  const failed: { readonly id: string; readonly why: string }[] = [];
  for (const arm of arms) {
    const { id, about, load } = arm;
    if (!leftFor(arm, options, { ms: performance.now() - beganMs, usualSeconds })) {
      leftOut.push(id);
      continue;
    }
    usualSeconds += arm.usualSeconds ?? 0;
    console.error(`${id}: ${about} …`);
    const armBeganMs = performance.now();
    try {
      const bench = await load();
      sections.push(await bench({ postgres, rounds, ms, full, say: (text) => console.error(`  ${text} …`) }));
      console.error(`  ${secondsSince(armBeganMs)} s`);
    } catch (error) {
      if (isEnding()) await new Promise<never>(() => undefined);
      // What the others have measured is not lost.
      console.error(error);
      failed.push({ id, why: error instanceof Error ? error.message : String(error) });
    }
  }
  const report: Report = {
    machine: {
      ...(await readHost()),
      ...{ loadAtStart, loadAtEnd: readLoad(), fdatasyncMs },
      ...{ postgres: postgres.version, postgresSettings: postgres.settings },
    },
    ...{ startedAt, seconds: secondsSince(beganMs), rounds, full, sections },
    ...(leftOut.length > 0 && { leftOut }),
    ...(failed.length > 0 && { failed }),
  };
  const ids = arms.map(({ id }) => id);
  const unmeasured = unmeasuredOf(report, ids, !options.isChosen);
  return { ...report, ...(unmeasured.length > 0 && { unmeasured }) };
}

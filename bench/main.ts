import { writeFile } from "node:fs/promises";
import { ARMS } from "./arms.ts";
import { startBenchPostgres } from "./database.ts";
import { readMachine } from "./machine.ts";
import { HELP, parseOptions, type RunOptions } from "./options.ts";
import { ratiosToPeers } from "./ratios.ts";
import type { Report, Section } from "./report.ts";
import { missedOf, tableOf } from "./table.ts";

/** No arm begins later than this: what is left then is named in the report, and the whole stays below five minutes. */
const LAST_START_MS = 250_000;

const parsed = parseOptions(process.argv.slice(2), ARMS);
switch (parsed.kind) {
  case "help":
    process.stdout.write(HELP);
    break;
  case "list":
    for (const { id, about, isShort } of ARMS) console.log(`${id.padEnd(14)}${isShort ? "" : "--full: "}${about}`);
    break;
  case "refused":
    console.error(`bench: ${parsed.why}\nSee npm run bench -- --help`);
    process.exitCode = 2;
    break;
  case "run":
    try {
      process.exitCode = await run(parsed.options);
    } catch (error) {
      console.error(error);
      process.exitCode = 2;
    }
}

async function run(options: RunOptions): Promise<number> {
  const report = await measure(options);
  const json = `${JSON.stringify(report, null, 2)}\n`;
  if (options.out !== null) await writeFile(options.out, json);
  process.stdout.write(options.json ? json : tableOf(report));
  const missed = missedOf(report.sections);
  if (missed.length > 0) console.error(`\nmissed: ${missed.join(", ")}`);
  if (report.failed !== undefined) return 2;
  return missed.length === 0 ? 0 : 1;
}

async function measure({ arms, rounds, ms, full }: RunOptions): Promise<Report> {
  const startedAt = new Date().toISOString();
  const beganMs = performance.now();
  const secondsSince = (ms: number) => Math.round((performance.now() - ms) / 1000);
  const isBounded = !full && arms.every(({ isShort }) => isShort);
  await using postgres = await startBenchPostgres();
  const sections: Section[] = [];
  const leftOut: string[] = [];
  const failed: { readonly id: string; readonly why: string }[] = [];
  for (const { id, about, load } of arms) {
    if (isBounded && performance.now() - beganMs > LAST_START_MS) {
      leftOut.push(id);
      continue;
    }
    console.error(`${id}: ${about} …`);
    const armBeganMs = performance.now();
    try {
      const bench = await load();
      sections.push(await bench({ postgres, rounds, ms, full, say: (text) => console.error(`  ${text} …`) }));
      console.error(`  ${secondsSince(armBeganMs)} s`);
    } catch (error) {
      // What the others have measured is not lost.
      console.error(error);
      failed.push({ id, why: error instanceof Error ? error.message : String(error) });
    }
  }
  return {
    machine: await readMachine(postgres.version),
    ...{ startedAt, seconds: secondsSince(beganMs), rounds, full, sections: [...sections, ...ratiosToPeers(sections)] },
    ...(leftOut.length > 0 && { leftOut }),
    ...(failed.length > 0 && { failed }),
  };
}

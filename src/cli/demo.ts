import { readFile } from "node:fs/promises";
import { isNativeError } from "node:util/types";
import { systemClock } from "../clock.ts";
import { EmbeddedPostgresError } from "../server/embedded-postgres/error.ts";
import { type CommandShape, NO_SHAPE } from "./command-shape.ts";
import type { CommandIo } from "./commands.ts";
import { isClean } from "./demo/audit.ts";
import { type Delivery, DeliveryLogError, eventIds, parseDeliveryLog } from "./demo/delivery-log.ts";
import { ProcessError } from "./demo/fleet.ts";
import { type DemoOptions, optionFlags, optionsHelp, readArguments } from "./demo/options.ts";
import { createProgress } from "./demo/progress.ts";
import { formatTable, formatVerdict } from "./demo/report.ts";
import { run } from "./demo/run.ts";
import { helpPage } from "./wrap.ts";

const ABOUT = `Feeds a log of webhook deliveries to workers that charge a card for each event.
The log is as a payment provider sends it: at least once, out of order, sometimes
twice at the same moment, once in a while altered. Workers and a server are killed
on the way: what a dead worker had begun is taken over by one that waits for it, or
looked up in the ledger. In the end the ledger must hold each event's charge exactly
once.

Everything runs here and leaves nothing behind: a Postgres of its own in a temporary
directory, the servers, the workers. Exits with 0 when every event was charged once,
with 1 when not or when something broke.`;

export function demoShape(): CommandShape {
  return { ...NO_SHAPE, about: ABOUT, flags: optionFlags() };
}

const COMMITTED_LOG = new URL("../../examples/deliveries/deliveries.ndjson", import.meta.url);

/** The signals that end a program which a terminal, or a supervisor, has had enough of; and what is left of each. */
const ENDING = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export async function demo(args: readonly string[], io: CommandIo): Promise<number> {
  const read = readArguments(args);
  switch (read.kind) {
    case "help":
      io.out(helpPage(`Usage: holdfast demo [OPTIONS]\n\n${ABOUT}\n\n${optionsHelp()}\n`));
      return 0;
    case "problems":
      io.error(read.problems.map((problem) => `holdfast: ${problem}\n`).join(""));
      return 2;
    case "options":
      return start(read.options, io);
  }
}

async function start(options: DemoOptions, io: CommandIo): Promise<number> {
  const ending = new AbortController();
  const end = (signal: keyof typeof ENDING) => ending.abort(signal);
  for (const signal of ENDING_SIGNALS) process.on(signal, end);
  try {
    const deliveries = await readLog(options.input ?? COMMITTED_LOG);
    return await show(options, deliveries, ending.signal, io);
  } catch (error) {
    if (ending.signal.aborted) return ENDING[ending.signal.reason as keyof typeof ENDING];
    io.error(`holdfast: ${explain(error)}\n`);
    return 1;
  } finally {
    for (const signal of ENDING_SIGNALS) process.off(signal, end);
  }
}

const ENDING_SIGNALS = Object.keys(ENDING) as readonly (keyof typeof ENDING)[];

async function show(
  options: DemoOptions,
  deliveries: readonly Delivery[],
  signal: AbortSignal,
  io: CommandIo,
): Promise<number> {
  // On standard error, so that the report alone is on standard output.
  const progress = createProgress(process.stderr);
  const { report, audit } = await run({ options, deliveries, progress, clock: systemClock, signal }).finally(
    progress.end,
  );
  const clean = isClean(eventIds(deliveries), audit);
  if (!options.json) io.out(`\n${formatTable(report)}\n\n`);
  (options.json ? io.error : io.out)(`${formatVerdict(clean, audit)}\n`);
  if (options.json) io.out(`${JSON.stringify(report)}\n`);
  return clean ? 0 : 1;
}

async function readLog(file: string | URL): Promise<readonly Delivery[]> {
  try {
    return parseDeliveryLog(await readFile(file));
  } catch (error) {
    const name = file instanceof URL ? file.pathname : file;
    if (error instanceof DeliveryLogError) throw new DeliveryLogError(`${name}: ${error.message}`);
    throw new DeliveryLogError(`${name} cannot be read: ${isNativeError(error) ? error.message : error}`);
  }
}

/** What a user did wrong, or met, needs no stack; a bug does. */
function explain(error: unknown): string {
  const isPlain = [DeliveryLogError, EmbeddedPostgresError, ProcessError].some((known) => error instanceof known);
  if (isPlain) return (error as Error).message;
  return isNativeError(error) ? (error.stack ?? error.message) : String(error);
}

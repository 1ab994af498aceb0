import type { Transport } from "@connectrpc/connect";
import { createRecordClient } from "../client/admin.ts";
import { systemClock } from "../clock.ts";
import { optionsHelp } from "../server/config/help.ts";
import { choice, count, duration } from "../server/config/kinds.ts";
import type { Config } from "../server/config.ts";
import { withConnection } from "./admin-client.ts";
import { readArguments } from "./arguments.ts";
import { reportOf, reportText } from "./bench/report.ts";
import { type BenchOptions, runBench } from "./bench/run.ts";
import { type CommandShape, NO_SHAPE } from "./command-shape.ts";
import type { CommandIo } from "./commands.ts";
import { EXIT } from "./exit-codes.ts";
import { exitOf } from "./interruptible.ts";
import { asksForHelp, boundedText, flagsHelp, readFlag, valueFlag, wrongValues } from "./own-flags.ts";
import { readSettings } from "./settings.ts";
import { jsonText, printable } from "./table.ts";
import { helpPage } from "./wrap.ts";

const ABOUT =
  "Has callers claim and complete new keys as fast as the server answers, and tells how fast that was, and how long the\n" +
  "calls took. Ctrl-C ends it and prints what it has. Its records stay in the database for a minute. It is a first look\n" +
  "at a server in its place, with the network between; what Holdfast can do is measured by npm run bench. Needs the role\n" +
  "claim.";

const DEFAULTS: BenchOptions = {
  ...{ mode: "pairs", transport: "unary", concurrency: 16 },
  ...{ durationMs: 10_000, scope: "holdfast-bench" },
};

const MODE = valueFlag(
  "mode",
  choice("pairs", "replays"),
  "What is sent: a claim and a complete of new keys, or claims of work that is done. Default: pairs.",
);
const TRANSPORT = valueFlag(
  "transport",
  choice("unary", "session"),
  "How the calls go: each on its own, or together on one stream, as of programs that make many. Default: unary.",
);
const CONCURRENCY = valueFlag(
  "concurrency",
  count(1, 1000),
  `How many callers there are. Default: ${DEFAULTS.concurrency}.`,
);
const DURATION = valueFlag("duration", duration("1s", "10m"), "For how long. Default: 10s.");
const SCOPE = valueFlag("scope", boundedText("SCOPE", 128), `Of the keys. Default: ${DEFAULTS.scope}.`);

const FLAGS = [MODE, TRANSPORT, CONCURRENCY, DURATION, SCOPE];

export const BENCH: CommandShape = { ...NO_SHAPE, settings: "bench", about: ABOUT, flags: FLAGS };

export async function bench(args: readonly string[], io: CommandIo): Promise<number> {
  if (asksForHelp(args)) {
    io.out(helpPage(`Usage: holdfast bench [OPTIONS]\n\n${ABOUT}\n\n${flagsHelp(FLAGS)}\n${optionsHelp("bench")}\n`));
    return EXIT.done;
  }
  const { words, flags, settings: own, problems } = readArguments("bench", "", FLAGS, args);
  const surplus = words.map((word) => `"holdfast bench" does not take ${JSON.stringify(word)}`);
  const wrong = [...problems, ...surplus, ...wrongValues(flags, FLAGS)];
  if (wrong.length > 0) {
    io.error(wrong.map((problem) => `holdfast: ${problem}\n`).join(""));
    return EXIT.misunderstood;
  }
  const settings = await readSettings({ command: "bench", about: ABOUT }, own, io);
  if (settings.kind === "exit") return settings.code;
  const { config } = settings;
  const options = {
    mode: readFlag(flags, MODE) ?? DEFAULTS.mode,
    transport: readFlag(flags, TRANSPORT) ?? DEFAULTS.transport,
    concurrency: readFlag(flags, CONCURRENCY) ?? DEFAULTS.concurrency,
    durationMs: readFlag(flags, DURATION) ?? DEFAULTS.durationMs,
    scope: readFlag(flags, SCOPE) ?? DEFAULTS.scope,
  };
  const way = options.transport === "session" ? "session" : "grpc";
  return withConnection(config, io, (transport, signal) => run(options, transport, signal, config, io), {}, way);
}

async function run(
  options: BenchOptions,
  transport: Transport,
  signal: AbortSignal,
  config: Config,
  io: CommandIo,
): Promise<number> {
  const onProgress = (rounds: number, elapsedMs: number) =>
    io.progress?.(`${Math.round(elapsedMs / 1000)} s: ${rounds} ${options.mode}`);
  const records = createRecordClient(lasting(transport));
  const result = await runBench(options, { records, clock: systemClock, signal, onProgress }).finally(() =>
    io.progress?.(""),
  );
  const report = reportOf(options, result);
  io.out(config.output === "json" ? jsonText(report) : reportText(report));
  io.error(`Its records, of scope ${printable(options.scope)}, stay in the database for a minute.\n`);
  if (signal.aborted) return exitOf(signal);
  return result.errors.size === 0 ? EXIT.done : EXIT.failed;
}

/** Calls under way when it is to end are answered, and count. */
function lasting(transport: Transport): Transport {
  const never = new AbortController().signal;
  return {
    unary: (method, _signal, ...call) => transport.unary(method, never, ...call),
    stream: transport.stream,
  };
}

import type { Transport } from "@connectrpc/connect";
import { createRecordClient } from "../client/admin.ts";
import { createClient } from "../client/client.ts";
import { systemClock } from "../client/clock.ts";
import { optionsHelp } from "../server/config/help.ts";
import { duration } from "../server/config/kinds.ts";
import type { Config } from "../server/config.ts";
import { withConnection } from "./admin-client.ts";
import { readArguments } from "./arguments.ts";
import { type CommandShape, NO_SHAPE } from "./command-shape.ts";
import type { CommandIo } from "./commands.ts";
import { EXIT } from "./exit-codes.ts";
import { KEY_BYTES_MAX, RAW, SCOPE, TENANT } from "./keys/flags.ts";
import { commandText, type Invocation } from "./keys/remedies.ts";
import { asksForHelp, bareFlag, flagsHelp, type GivenFlags, readFlag, valueFlag, wrongValues } from "./own-flags.ts";
import { readSettings } from "./settings.ts";
import { shellWord } from "./shell-word.ts";
import { printable } from "./table.ts";
import { showEnd } from "./wait/end.ts";
import { observe, type Standing } from "./wait/observe.ts";
import { helpPage } from "./wrap.ts";

const ABOUT =
  "Waits until a record has ended, and prints its result. It waits for a record that is not there yet too, and through\n" +
  "an unknown outcome, until the time is over. The exit code tells the end: 0 a result, 7 an error, 8 an outcome that is\n" +
  "unknown at the timeout or a result that is no longer kept, 9 no end within the time. A server that has answered once\n" +
  "may go away and come back until then; one that never answers is given up after 10 s. Needs the role read.";

const TIMEOUT_MS = 60_000;

const TIMEOUT = valueFlag("timeout", duration("1s", "24h"), "How long to wait. Default: 1m.");

const MUST_EXIST = bareFlag("must-exist", "Do not wait for a record that is not there.");

const FLAGS = [SCOPE, TENANT, TIMEOUT, MUST_EXIST, RAW];

export const WAIT: CommandShape = { ...NO_SHAPE, settings: "wait", about: ABOUT, operand: "KEY", flags: FLAGS };

/** Of a server that has not answered once: it is told before somebody wonders. */
const SILENCE_MS_MAX = 10_000;

export async function wait(args: readonly string[], io: CommandIo): Promise<number> {
  if (asksForHelp(args)) {
    io.out(
      helpPage(
        `Usage: holdfast wait KEY --scope SCOPE [OPTIONS]\n\n${ABOUT}\n\n${flagsHelp(FLAGS)}\n${optionsHelp("wait")}\n`,
      ),
    );
    return EXIT.done;
  }
  const { words, flags, settings: own, problems } = readArguments("wait", "", FLAGS, args);
  const wrong = [...problems, ...wrongValues(flags, FLAGS), ...wrongOrder(words, flags)];
  if (wrong.length > 0) {
    io.error(wrong.map((problem) => `holdfast: ${problem}\n`).join(""));
    return EXIT.misunderstood;
  }
  const settings = await readSettings({ command: "wait", about: ABOUT }, own, io);
  if (settings.kind === "exit") return settings.code;
  const { config } = settings;
  const name = { scope: readFlag(flags, SCOPE) ?? "", key: words[0] ?? "" };
  const order = { name, tenant: readFlag(flags, TENANT) ?? null, flags, config, io };
  const next = { RECORD_NOT_FOUND: { sentence: SENTENCES.absent, step: listText(order) } };
  return withConnection(config, io, (transport, signal) => run(transport, signal, order), next);
}

interface Order {
  readonly name: { readonly scope: string; readonly key: string };
  /** As given. */
  readonly tenant: string | null;
  readonly flags: GivenFlags;
  readonly config: Config;
  readonly io: CommandIo;
}

async function run(transport: Transport, signal: AbortSignal, order: Order): Promise<number> {
  const { name, tenant, flags, config, io } = order;
  const timeoutMs = readFlag(flags, TIMEOUT) ?? TIMEOUT_MS;
  const target = { ...name, ...(tenant !== null && { tenant }) };
  await using first = createClient({ transport, retry: { totalTimeoutMs: SILENCE_MS_MAX } });
  await using later = createClient({ transport, retry: { totalTimeoutMs: timeoutMs } });
  const onChange = createTelling(order);
  const mustExist = flags.has(MUST_EXIST.name);
  const observed = await observe(
    { first, later, clock: systemClock },
    { target, timeoutMs, mustExist, signal, onChange },
  ).finally(() => io.progress?.(""));
  if (observed.kind === "ended") {
    const records = createRecordClient(transport);
    const answer = await records.getRecord({ key: target, includeResult: true }, { timeoutMs: config.timeoutMs });
    return showEnd(answer, { raw: flags.has(RAW.name), output: config.output, io });
  }
  if (observed.cause !== undefined) throw observed.cause;
  io.error(
    `holdfast: ${SENTENCES[observed.last]} after ${TIMEOUT.kind.format(timeoutMs)} (--timeout); ${nextText(order, observed.last)}\n`,
  );
  return observed.last === "outcome-unknown" ? EXIT.noOutcome : EXIT.timedOut;
}

const SENTENCES = {
  absent: "there is no such record",
  open: "the record has not ended",
  "outcome-unknown": "nobody knows whether the work was done",
} as const satisfies Record<Standing, string>;

/** On a terminal what changes takes the place of what was; that an outcome is unknown is worth a line in any case. */
function createTelling(order: Order): (text: string, standing: Standing) => void {
  let wasUnknown = false;
  return (text, standing) => {
    const isUnknown = standing === "outcome-unknown";
    if (isUnknown && !wasUnknown) {
      order.io.error(`holdfast: nobody knows whether the work was done; waiting on; ${whyText(order)}\n`);
    } else order.io.progress?.(printable(`waiting: ${text}`));
    wasUnknown = isUnknown;
  };
}

function nextText(order: Order, last: Standing): string {
  return last === "absent" ? listText(order) : whyText(order);
}

function listText({ name: { scope } }: Pick<Order, "name">): string {
  return `"holdfast keys list --scope ${shellWord(scope)}" shows those that there are`;
}

function whyText({ name, tenant }: Order): string {
  const invocation: Invocation = { tenant, connection: [] };
  return `${commandText(["keys", "why"], name, invocation)} tells more`;
}

function wrongOrder([key, ...more]: readonly string[], flags: GivenFlags): readonly string[] {
  const problems = more.map((word) => `"holdfast wait" does not take ${JSON.stringify(word)}`);
  if (key === undefined) problems.push('"holdfast wait" needs the KEY of a record');
  else if (key === "" || Buffer.byteLength(key) > KEY_BYTES_MAX) {
    problems.push(`KEY must be a text of 1 to ${KEY_BYTES_MAX} bytes`);
  }
  if (!flags.has(SCOPE.name)) problems.push("--scope is needed: a key names a record within it");
  return problems;
}

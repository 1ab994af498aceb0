import { createAdminClient, createRecordClient } from "../client/admin.ts";
import { optionsHelp } from "../server/config/help.ts";
import { nearest } from "../server/config/hint.ts";
import type { Sources } from "../server/config/read.ts";
import { type Config, OPTIONS, optionsOf, type Setting } from "../server/config.ts";
import { withConnection } from "./admin-client.ts";
import { readArguments } from "./arguments.ts";
import { type CommandShape, NO_SHAPE } from "./command-shape.ts";
import type { CommandIo } from "./commands.ts";
import { EXIT } from "./exit-codes.ts";
import { explainFailure, type NextSteps } from "./failure.ts";
import { inCliWords } from "./keys/cli-words.ts";
import { KEY_BYTES_MAX, REASON, SCOPE, TENANT } from "./keys/flags.ts";
import type { KeysSubcommand, Order } from "./keys/order.ts";
import { commandText, type Invocation } from "./keys/remedies.ts";
import { KEYS_SUBCOMMANDS } from "./keys/subcommands.ts";
import { asksForHelp, flagsHelp, type GivenFlags, readFlag, wrongValues } from "./own-flags.ts";
import { readSettings } from "./settings.ts";
import { shellWord } from "./shell-word.ts";
import { helpPage } from "./wrap.ts";

const ABOUT =
  "Looks at the records of a running server, and mends them. Every change goes to the audit log, with who made it and\n" +
  "why. A key that begins with a dash goes last, after the flags and a --; what else a shell would take for its own is quoted. Keys are\n" +
  "printed in that form too, ready to be copied.";

export function keysShape(): CommandShape {
  const subcommands = KEYS_SUBCOMMANDS.map((subcommand) => {
    return { ...subcommand, summary: summaryOf(subcommand), operand: OPERANDS[subcommand.key] };
  });
  return { ...NO_SHAPE, settings: "keys", about: ABOUT, subcommands };
}

const OPERANDS = { none: "", required: "KEY", optional: "[KEY]" } as const;

export async function keys(args: readonly string[], io: CommandIo): Promise<number> {
  const [given, ...rest] = args;
  if (given === "--help" || given === "-h") {
    io.out(helpPage(overview()));
    return EXIT.done;
  }
  const subcommand = KEYS_SUBCOMMANDS.find(({ name }) => name === given);
  if (subcommand === undefined) {
    io.error(given === undefined ? helpPage(overview()) : `holdfast: ${unknownSubcommand(given)}\n`);
    return EXIT.misunderstood;
  }
  if (asksForHelp(rest)) {
    io.out(helpPage(helpOn(subcommand)));
    return EXIT.done;
  }
  const { words, flags, settings: own, problems } = readArguments("keys", subcommand.name, subcommand.flags, rest);
  const wrong = [...problems, ...wrongValues(flags, subcommand.flags), ...wrongOrder(subcommand, words, flags)];
  if (wrong.length > 0) {
    io.error(wrong.map((problem) => `holdfast: ${problem}\n`).join(""));
    return EXIT.misunderstood;
  }
  const settings = await readSettings({ command: "keys", about: ABOUT }, own, io);
  if (settings.kind === "exit") return settings.code;
  const { config, sources } = settings;
  const name = { tenant: readFlag(flags, TENANT) ?? "", scope: readFlag(flags, SCOPE) ?? "", key: words[0] ?? "" };
  const invocation = { tenant: name.tenant === "" ? null : name.tenant, connection: connectionFlags(config, sources) };
  const next = nextSteps(name, invocation);
  return withConnection(
    config,
    io,
    (transport, signal) => {
      const clients = { admin: createAdminClient(transport), records: createRecordClient(transport) };
      const { output, timeoutMs } = config;
      const explain = (error: unknown) => explainFailure(error, config, next);
      return subcommand.run({ ...clients, output, timeoutMs, name, flags, invocation, io, explain, signal });
    },
    next,
  );
}

function wrongOrder(subcommand: KeysSubcommand, words: readonly string[], flags: GivenFlags): readonly string[] {
  const { name, key: takes } = subcommand;
  const most = takes === "none" ? 0 : 1;
  const problems = words.slice(most).map((word) => `"holdfast keys ${name}" does not take ${JSON.stringify(word)}`);
  const [key] = words;
  if (takes === "required" && key === undefined) problems.push(`"holdfast keys ${name}" needs the KEY of a record`);
  if (takes !== "none" && key !== undefined && (key === "" || Buffer.byteLength(key) > KEY_BYTES_MAX)) {
    problems.push(`KEY must be a text of 1 to ${KEY_BYTES_MAX} bytes`);
  }
  if (takes === "required" && !flags.has(SCOPE.name))
    problems.push("--scope is needed: a key names a record within it");
  if (subcommand.flags.includes(REASON) && !flags.has(REASON.name)) {
    problems.push("--reason is needed: the audit log keeps it");
  }
  return [...problems, ...subcommand.problems(flags, key !== undefined)];
}

/** No secret, and nothing that is this command's own. */
const NOT_REPEATED: ReadonlySet<Setting> = new Set(["apiKey", "timeoutMs", "output"]);

/** Where the server is, as it was said: what is in the environment will be there the next time too. */
function connectionFlags(config: Config, sources: Sources): readonly string[] {
  return optionsOf("keys").flatMap((setting) => {
    if (NOT_REPEATED.has(setting) || sources.get(setting)?.kind !== "flag") return [];
    const { name, kind } = OPTIONS[setting];
    // The options differ in their values; what prints them does not care.
    const value = (kind.format as (value: unknown) => string)(config[setting]);
    return kind.placeholder === "" ? [value === "true" ? `--${name}` : `--no-${name}`] : [`--${name}`, value];
  });
}

function nextSteps(name: Order["name"], invocation: Invocation): NextSteps {
  const list = ["holdfast keys list", ...(name.scope === "" ? [] : [`--scope ${shellWord(name.scope)}`])].join(" ");
  const look =
    name.key === ""
      ? `"${list}" shows those that there are`
      : `${commandText(["keys", "why"], name, invocation)} tells more`;
  const tenants = '"holdfast tenants list" shows those that there are';
  return {
    RECORD_NOT_FOUND: { sentence: "there is no such record", step: `"${list}" shows those that there are` },
    RECORD_CHANGED: { sentence: "the record has changed meanwhile, and was left alone", step: look },
    INVALID_STATE: { sentence: inCliWords, step: look },
    TENANT_NOT_FOUND: { sentence: "there is no such tenant", step: tenants },
    TENANT_FORBIDDEN: { sentence: "there is no such tenant, or this caller may not see it", step: tenants },
  };
}

/** As other programs call it. */
const ALIASES: Readonly<Record<string, string>> = {
  ls: "list",
  show: "get",
  describe: "why",
  delete: "purge",
  rm: "purge",
};

function unknownSubcommand(given: string): string {
  const names = KEYS_SUBCOMMANDS.map(({ name }) => name);
  const near = ALIASES[given] ?? nearest(given, names);
  const hint = near === undefined ? `there are ${names.join(", ")}` : `did you mean "${near}"?`;
  return `unknown command ${JSON.stringify(`holdfast keys ${given}`)}: ${hint}`;
}

function usage({ name, key }: KeysSubcommand): string {
  return `${name} ${OPERANDS[key]}`.trimEnd();
}

function overview(): string {
  const widest = Math.max(...KEYS_SUBCOMMANDS.map((subcommand) => usage(subcommand).length));
  const lines = KEYS_SUBCOMMANDS.map((subcommand) => `  ${usage(subcommand).padEnd(widest)}  ${subcommand.summary}`);
  const more = '"holdfast keys COMMAND --help" prints the options of a command.';
  return ["Usage: holdfast keys COMMAND [OPTIONS]", "", ABOUT, "", ...lines, "", more, ""].join("\n");
}

function summaryOf({ summary, roles }: KeysSubcommand): string {
  return `${summary} Needs the role ${roles.slice(0, -1).join(", ")} or ${roles.at(-1)}.`;
}

function helpOn(subcommand: KeysSubcommand): string {
  const parts = [`Usage: holdfast keys ${usage(subcommand)} [OPTIONS]`, summaryOf(subcommand)];
  return `${[...parts, flagsHelp(subcommand.flags), optionsHelp("keys")].join("\n\n")}\n`;
}

import { nearest } from "../server/config/hint.ts";
import { type CommandShape, NO_SHAPE, shapeOf } from "./command-shape.ts";
import { type Ending, EXIT_CODES } from "./exit-codes.ts";

/** What a command may touch of its surroundings. */
export interface CommandIo {
  /** Standard output: what was asked for, and the log of serve. */
  readonly out: (text: string) => void;
  /** Standard error: what went wrong, for people. */
  readonly error: (text: string) => void;
  /** Standard output is a terminal. */
  readonly terminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard output as it is, for results that are no text. */
  readonly bytes?: (bytes: Uint8Array) => void;
  /** How wide the terminal is. */
  readonly columns?: number;
  /** A line on standard error that the next one takes the place of; absent when that is no terminal. */
  readonly progress?: (text: string) => void;
  /** Has somebody answer a question; absent when nobody is there: standard input is no terminal. */
  readonly ask?: (question: string, signal: AbortSignal) => Promise<string>;
  /** Resolves once standard output takes more without keeping it in memory. */
  readonly drained?: () => Promise<void>;
  /** Tells when the command is to end before its time, until the returned function is called; see `interruptible`. */
  readonly onEnding?: (listener: (why: Ending) => void) => () => void;
}

/** Under which heading a command stands in the help text. */
export type CommandGroup = "serving" | "records" | "access" | "trying" | "itself";

export interface CommandEntry {
  readonly name: string;
  readonly group: CommandGroup;
  /** At most 63 characters, so that a line of the help text has 80. */
  readonly summary: string;
  /** What can be written behind it. */
  shape(): Promise<CommandShape>;
  /** Resolves to the exit code, see exit-codes.ts. Loads its code when run, and only then. */
  run(args: readonly string[], io: CommandIo): Promise<number>;
}

export const GROUPS: readonly { readonly group: CommandGroup; readonly title: string }[] = [
  { group: "serving", title: "To serve, and for the database" },
  { group: "records", title: "To look at records, and to mend them" },
  { group: "access", title: "Who may call" },
  { group: "trying", title: "To try it out" },
  { group: "itself", title: "About this program" },
];

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "serve",
    group: "serving",
    summary: "Serve claims over gRPC and HTTP.",
    shape: async () => shapeOf((await import("./serve.ts")).SERVE),
    run: async (args, io) => (await import("./serve.ts")).serve(args, io),
  },
  {
    name: "migrate",
    group: "serving",
    summary: "Bring the schema up to date; plan and status only look.",
    shape: async () => shapeOf((await import("./migrate.ts")).MIGRATE),
    run: async (args, io) => (await import("./migrate.ts")).migrate(args, io),
  },
  {
    name: "health",
    group: "serving",
    summary: "Ask whether a server is ready; for container health checks.",
    shape: async () => shapeOf((await import("./health.ts")).HEALTH),
    run: async (args, io) => (await import("./health.ts")).health(args, io),
  },
  {
    name: "doctor",
    group: "serving",
    summary: "Check databases and server, and say how to mend what is wrong.",
    shape: async () => shapeOf((await import("./doctor.ts")).DOCTOR),
    run: async (args, io) => (await import("./doctor.ts")).doctor(args, io),
  },
  {
    name: "audit",
    group: "serving",
    summary: "Print the audit log, or check that nobody has rewritten it.",
    shape: async () => (await import("./audit.ts")).auditShape(),
    run: async (args, io) => (await import("./audit.ts")).audit(args, io),
  },
  {
    name: "sql",
    group: "serving",
    summary: "Install the fence into an application's own database.",
    shape: async () => (await import("./sql.ts")).SQL,
    run: async (args, io) => (await import("./sql.ts")).sql(args, io),
  },
  {
    name: "config",
    group: "serving",
    summary: "Print, check or describe settings: config print|check|schema.",
    shape: async () => shapeOf((await import("./config.ts")).CONFIG),
    run: async (args, io) => (await import("./config.ts")).config(args, io),
  },
  {
    name: "keys",
    group: "records",
    summary: "List, explain, release, resolve, reset and purge records.",
    shape: async () => (await import("./keys.ts")).keysShape(),
    run: async (args, io) => (await import("./keys.ts")).keys(args, io),
  },
  {
    name: "wait",
    group: "records",
    summary: "Wait until a record has ended, and print its result.",
    shape: async () => (await import("./wait.ts")).WAIT,
    run: async (args, io) => (await import("./wait.ts")).wait(args, io),
  },
  {
    name: "tenants",
    group: "access",
    summary: "Register, change, drain and list tenants.",
    shape: async () => (await import("./tenants.ts")).tenantsShape(),
    run: async (args, io) => (await import("./tenants.ts")).tenants(args, io),
  },
  {
    name: "apikeys",
    group: "access",
    summary: "Make, revoke and list API keys.",
    shape: async () => (await import("./apikeys.ts")).apikeysShape(),
    run: async (args, io) => (await import("./apikeys.ts")).apikeys(args, io),
  },
  {
    name: "admin",
    group: "access",
    summary: "Make the first API key, in the database: admin bootstrap.",
    shape: async () => shapeOf((await import("./admin.ts")).ADMIN),
    run: async (args, io) => (await import("./admin.ts")).admin(args, io),
  },
  {
    name: "demo",
    group: "trying",
    summary: "Watch work be done once while workers and servers are killed.",
    shape: async () => (await import("./demo.ts")).demoShape(),
    run: async (args, io) => (await import("./demo.ts")).demo(args, io),
  },
  {
    name: "bench",
    group: "trying",
    summary: "Measure a running server with claims and completes.",
    shape: async () => (await import("./bench.ts")).BENCH,
    run: async (args, io) => (await import("./bench.ts")).bench(args, io),
  },
  {
    name: "completion",
    group: "itself",
    summary: "Print what lets bash, zsh or fish complete these commands.",
    shape: async () => (await import("./completion.ts")).COMPLETION,
    run: async (args, io) => (await import("./completion.ts")).completion(args, io, COMMANDS),
  },
  {
    name: "version",
    group: "itself",
    summary: "Print the version.",
    shape: async () => NO_SHAPE,
    run: async (_args, io) => printVersion(io),
  },
  {
    name: "help",
    group: "itself",
    summary: "Print this text, or that of a command.",
    shape: async () => ({ ...NO_SHAPE, operand: "[COMMAND]" }),
    run: async (_args, io) => printHelp(io),
  },
];

const ALIASES: Readonly<Record<string, string>> = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-v": "version",
};

export async function runCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const [given, ...rest] = args;
  if (given === undefined) {
    io.error(helpText());
    return 2;
  }
  const name = Object.hasOwn(ALIASES, given) ? ALIASES[given] : given;
  const [about] = rest;
  if (name === "help" && about !== undefined) return helpOn(about, io);
  const command = COMMANDS.find((candidate) => candidate.name === name);
  return command === undefined ? refuse(given, io) : command.run(rest, io);
}

/** `holdfast help serve` is `holdfast serve --help`. */
async function helpOn(given: string, io: CommandIo): Promise<number> {
  const command = COMMANDS.find(({ name }) => name === given);
  if (command === undefined) return refuse(given, io);
  const hasOptions = command.name !== "help" && command.name !== "version";
  return hasOptions ? command.run(["--help"], io) : printHelp(io);
}

function refuse(given: string, io: CommandIo): number {
  const near = nearest(
    given,
    COMMANDS.map(({ name }) => name),
  );
  const hint = near === undefined ? 'see "holdfast help"' : `did you mean "${near}"?`;
  io.error(`holdfast: unknown command ${JSON.stringify(given)}: ${hint}\n`);
  return 2;
}

function helpText(): string {
  const groups = GROUPS.map(({ group, title }) => {
    const commands = COMMANDS.filter((command) => command.group === group);
    return [`${title}:`, ...commands.map(({ name, summary }) => `  ${name.padEnd(NAME_WIDTH)}  ${summary}`), ""];
  });
  return [
    "Usage: holdfast COMMAND [OPTIONS]",
    "",
    "Holdfast lets many processes agree that a piece of work is done once.",
    "",
    ...groups.flat(),
    '"holdfast COMMAND --help" prints the options of a command. Settings can also be',
    "given in the environment or in a file (--config FILE); what is said of one",
    "record, tenant or key cannot.",
    "",
    "Exit codes:",
    ...EXIT_CODES.map(({ code, meaning }) => `  ${String(code).padEnd(3)}  ${meaning}`),
    "",
  ].join("\n");
}

const NAME_WIDTH = Math.max(...COMMANDS.map(({ name }) => name.length));

async function printHelp(io: CommandIo): Promise<number> {
  io.out(helpText());
  return 0;
}

async function printVersion(io: CommandIo): Promise<number> {
  const { VERSION } = await import("../server/version.ts");
  io.out(`${VERSION}\n`);
  return 0;
}

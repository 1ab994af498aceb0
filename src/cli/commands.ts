import { nearest } from "../server/config/hint.ts";

/** What a command may touch of its surroundings. */
export interface CommandIo {
  /** Standard output: what was asked for, and the log of serve. */
  readonly out: (text: string) => void;
  /** Standard error: what went wrong, for people. */
  readonly error: (text: string) => void;
  /** Standard output is a terminal. */
  readonly terminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Resolves to the exit code: 0 done, 1 failed, 2 not understood. Loads its code when run, and only then. */
  run(args: readonly string[], io: CommandIo): Promise<number>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "serve",
    summary: "Serve claims over gRPC and HTTP.",
    run: async (args, io) => (await import("./serve.ts")).serve(args, io),
  },
  {
    name: "migrate",
    summary: "Bring the database's schema up to date; `migrate plan` and `migrate status` only look.",
    run: async (args, io) => (await import("./migrate.ts")).migrate(args, io),
  },
  {
    name: "health",
    summary: "Ask a running server whether it is ready; for container health checks.",
    run: async (args, io) => (await import("./health.ts")).health(args, io),
  },
  {
    name: "config",
    summary: "Print the settings in force and where each comes from.",
    run: async (args, io) => (await import("./config.ts")).config(args, io),
  },
  {
    name: "tenants",
    summary: "Register, change, drain and list the tenants of a running server.",
    run: async (args, io) => (await import("./tenants.ts")).tenants(args, io),
  },
  {
    name: "apikeys",
    summary: "Make, revoke and list API keys of a running server.",
    run: async (args, io) => (await import("./apikeys.ts")).apikeys(args, io),
  },
  {
    name: "admin",
    summary: "Make the first API key, in the database itself: `admin bootstrap`.",
    run: async (args, io) => (await import("./admin.ts")).admin(args, io),
  },
  {
    name: "demo",
    summary: "Watch work being done exactly once while workers and servers are killed.",
    run: async (args, io) => (await import("./demo.ts")).demo(args, io),
  },
  { name: "version", summary: "Print the version.", run: async (_args, io) => printVersion(io) },
  { name: "help", summary: "Print this text.", run: async (_args, io) => printHelp(io) },
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
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(9)} ${summary}`);
  return [
    "Usage: holdfast COMMAND [OPTIONS]",
    "",
    "Holdfast lets many processes agree that a piece of work is done once.",
    "",
    ...lines,
    "",
    '"holdfast COMMAND --help" prints the options of a command. Settings can also be given in the environment; those of demo, and what is said of a tenant or a key, cannot.',
    "",
  ].join("\n");
}

async function printHelp(io: CommandIo): Promise<number> {
  io.out(helpText());
  return 0;
}

async function printVersion(io: CommandIo): Promise<number> {
  const { VERSION } = await import("../server/version.ts");
  io.out(`${VERSION}\n`);
  return 0;
}

import { systemClock } from "../clock.ts";
import type { ChainPosition } from "../domain/audit.ts";
import { optionsHelp } from "../server/config/help.ts";
import type { Config } from "../server/config.ts";
import { findDatabase } from "../server/database-source.ts";
import { OperatorError } from "../server/operator-error.ts";
import { checkSchema } from "../store/postgres/migrate.ts";
import { AUDIT_SUBCOMMANDS, type AuditRequest, readAuditArguments } from "./audit/arguments.ts";
import { listLog } from "./audit/list.ts";
import { keepText, verificationJson, verificationText, verifyLog } from "./audit/verify.ts";
import { type CommandShape, NO_SHAPE } from "./command-shape.ts";
import type { CommandIo } from "./commands.ts";
import { type DatabaseClient, type NamedDatabase, namedDatabases, onDatabase } from "./databases.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { exitOf, interruptible } from "./interruptible.ts";
import { commandLog } from "./logging.ts";
import { requireEmbedded } from "./migrate.ts";
import { readSettings } from "./settings.ts";
import { printable } from "./table.ts";
import { helpPage } from "./wrap.ts";

const ABOUT =
  "Reads the audit log: every change of a tenant, an API key or, by an operator, of a record. It reads the database\n" +
  "directly, whether a server runs or not. Each database has a log of its own: changes of records are in that of their\n" +
  "placement, all others in that of main.\n" +
  "verify checks the chain of hashes that holds each log together, and exits with 1 where it is broken.";

export function auditShape(): CommandShape {
  return {
    ...NO_SHAPE,
    settings: "audit",
    about: ABOUT,
    flags: AUDIT_SUBCOMMANDS[0]?.flags ?? [],
    subcommands: AUDIT_SUBCOMMANDS,
  };
}

export async function audit(args: readonly string[], io: CommandIo): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    io.out(helpPage(help()));
    return EXIT.done;
  }
  const read = readAuditArguments(args);
  if (read.kind === "problems") {
    io.error(read.problems.map((problem) => `holdfast: ${problem}\n`).join(""));
    return EXIT.misunderstood;
  }
  const settings = await readSettings({ command: "audit", about: ABOUT }, read.settings, io);
  if (settings.kind === "exit") return settings.code;
  const { config } = settings;
  const unknown = unknownNames(read.request, config);
  if (unknown.length > 0) {
    io.error(unknown.map((problem) => `holdfast: ${problem}\n`).join(""));
    return EXIT.misunderstood;
  }
  return interruptible(io, (signal) => run(read.request, config, io, signal));
}

async function run(request: AuditRequest, config: Config, io: CommandIo, signal: AbortSignal): Promise<number> {
  try {
    await requireEmbedded(config);
    const log = commandLog({ ...config, logLevel: "warn" }, io, io.error);
    await using main = await findDatabase(config, { clock: systemClock, log, signal });
    const databases = namedDatabases(main, config).filter(
      ({ name }) => request.placement === null || name === request.placement,
    );
    const heads = new Map<string, ChainPosition>();
    let code: ExitCode = EXIT.done;
    for (const database of databases) {
      const next = await runOn(database, databases.length > 1, { request, config, io, signal, heads });
      if (signal.aborted) return exitOf(signal);
      // A broken chain outweighs a database that could not be asked.
      if (code !== EXIT.failed && next !== EXIT.done) code = next;
    }
    if (io.terminal && config.output !== "json") io.error(keepText(heads));
    return code;
  } catch (error) {
    if (signal.aborted) return exitOf(signal);
    io.error(`holdfast: ${printable(messageOf(error))}\n`);
    return EXIT.failed;
  }
}

interface Task {
  readonly request: AuditRequest;
  readonly config: Config;
  readonly io: CommandIo;
  readonly signal: AbortSignal;
  /** Of logs that are whole, by the names of the databases; filled. */
  readonly heads: Map<string, ChainPosition>;
}

async function runOn({ name, source }: NamedDatabase, isOneOfMany: boolean, task: Task): Promise<ExitCode> {
  const { io, signal, config } = task;
  if (isOneOfMany && task.request.kind === "list" && config.output !== "json") io.out(`${name}:\n`);
  const outcome = await onDatabase(source, (client) => read(client, name, task), signal);
  if (outcome.kind === "done") return outcome.value;
  if (!signal.aborted) io.error(`holdfast: ${name}: ${printable(messageOf(outcome.error))}\n`);
  return outcome.kind === "unreachable" ? EXIT.noAnswer : EXIT.failed;
}

async function read(client: DatabaseClient, name: string, { request, config, io, heads }: Task): Promise<ExitCode> {
  const schema = await checkSchema(client);
  // A newer one has the columns too: nothing of the log is ever taken away.
  if (schema.kind === "behind") throw new OperatorError(schema.sentence);
  const isJson = config.output === "json";
  if (request.kind === "verify") {
    const verification = await verifyLog(client, request.expected.get(name) ?? null);
    io.out((isJson ? verificationJson : verificationText)(name, verification));
    if (verification.broken !== null) return EXIT.failed;
    if (verification.lines > 0) heads.set(name, verification.head);
    return EXIT.done;
  }
  const more = await listLog(client, { query: request, placement: name, isJson }, io);
  if (more !== null && io.terminal && !isJson) io.error(`There are older ones: --before ${more}\n`);
  return EXIT.done;
}

function unknownNames(request: AuditRequest, { placements }: Config): readonly string[] {
  const known = new Set(["main", ...(placements ?? []).map(({ name }) => name)]);
  const expected = request.kind === "verify" ? [...request.expected.keys()] : [];
  const given = [
    ...(request.placement === null ? [] : ([["--placement", request.placement]] as const)),
    ...expected.map((name) => ["--expect-head", name] as const),
  ];
  return given
    .filter(([, name]) => !known.has(name))
    .map(
      ([flag, name]) => `${flag}: no database is called ${JSON.stringify(name)}; there are ${[...known].join(", ")}`,
    );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function help(): string {
  const subcommands = AUDIT_SUBCOMMANDS.map(({ name, summary, flags }) => {
    const lines = flags.map(({ name: flag, placeholder, doc }) => `      --${flag} ${placeholder}\n          ${doc}`);
    return [`  ${name}  ${summary}`, ...lines].join("\n");
  });
  const parts = ["Usage: holdfast audit [list|verify] [OPTIONS]", ABOUT, ...subcommands, optionsHelp("audit")];
  return `${parts.join("\n\n")}\n`;
}

import { systemClock } from "../clock.ts";
import type { Sources } from "../server/config/read.ts";
import type { Config } from "../server/config.ts";
import { type DatabaseSource, findDatabase } from "../server/database-source.ts";
import { findRunningPostgres } from "../server/embedded-postgres/running.ts";
import type { CommandIo } from "./commands.ts";
import { namedDatabases } from "./databases.ts";
import { countOf, reportJson, reportText } from "./doctor/report.ts";
import { examineDatabases } from "./doctor/run.ts";
import { examineServer } from "./doctor/server.ts";
import { EXIT } from "./exit-codes.ts";
import { exitOf, interruptible } from "./interruptible.ts";
import { commandLog } from "./logging.ts";
import { requireEmbedded } from "./migrate.ts";
import { type CommandUsage, readSettings } from "./settings.ts";
import { printable } from "./table.ts";

const ABOUT =
  "Looks at the databases, and at the server if one runs at --http-address, and says of each thing whether it is as it\n" +
  "should be, and how to mend it if not. Run it with the settings of the server. It only reads, but for one notification\n" +
  "that nobody listens for, and takes half a minute at most. Exits with 0 when there is no problem, warnings or not.";

export const DOCTOR: CommandUsage = { command: "doctor", about: ABOUT };

export async function doctor(args: readonly string[], io: CommandIo): Promise<number> {
  const settings = await readSettings(DOCTOR, args, io);
  if (settings.kind === "exit") return settings.code;
  const { config, sources } = settings;
  return interruptible(io, async (signal) => {
    try {
      return await run(config, sources, io, signal);
    } catch (error) {
      if (signal.aborted) return exitOf(signal);
      io.error(`holdfast: ${printable(error instanceof Error ? error.message : String(error))}\n`);
      return EXIT.failed;
    }
  });
}

async function run(config: Config, sources: Sources, io: CommandIo, signal: AbortSignal): Promise<number> {
  const main = await findMain(config, io, signal);
  if (main === null) {
    io.error(
      `holdfast: no server runs on the data directory ${config.dataDir}, and doctor starts none: start "holdfast serve" ` +
        "and ask again, or give --database-url or --data-dir\n",
    );
    return EXIT.noAnswer;
  }
  const databases = namedDatabases(main, config);
  const deps = { clock: systemClock, signal, pooler: config.pooler };
  const [{ sections: found, unreachable }, server] = await Promise.all([
    examineDatabases(databases, deps),
    examineServer(config, sources),
  ]);
  if (signal.aborted) return exitOf(signal);
  const sections = [...found, server];
  io.out(config.output === "json" ? reportJson(sections) : reportText(sections));
  const problems = countOf(sections, "problem");
  if (problems === 0) return EXIT.done;
  return problems > unreachable ? EXIT.failed : EXIT.noAnswer;
}

/** Null: it is the embedded one, and does not run. */
async function findMain(config: Config, io: CommandIo, signal: AbortSignal): Promise<DatabaseSource | null> {
  const log = commandLog({ ...config, logLevel: "warn" }, io, io.error);
  if (config.databaseUrl !== null) return findDatabase(config, { clock: systemClock, log, signal });
  await requireEmbedded(config);
  const url = await findRunningPostgres(config.dataDir);
  if (url === null) return null;
  return { url, listenUrl: url, description: `embedded Postgres in ${config.dataDir} (psql "${url}")`, option: null };
}

import { systemClock } from "../clock.ts";
import type { Config } from "../server/config.ts";
import { type DatabaseSource, findDatabase, MAIN, placedDatabase, withDatabase } from "../server/database-source.ts";
import { holdsCluster } from "../server/embedded-postgres/data-directory.ts";
import { OperatorError } from "../server/operator-error.ts";
import { migrate as applyMigrations, checkSchema, planMigrations } from "../store/postgres/migrate.ts";
import type { CommandIo } from "./commands.ts";
import { commandLog } from "./logging.ts";
import { type CommandUsage, readSettings } from "./settings.ts";

type Client = Parameters<Parameters<typeof withDatabase>[1]>[0];

/** A database to look at. */
interface Named {
  readonly name: string;
  readonly source: DatabaseSource;
}

export const MIGRATE: CommandUsage = {
  command: "migrate",
  about:
    "Brings the schema of the database up to date, and of those of --placements. Safe to run from any number of\n" +
    "processes at once. plan prints the SQL that would be run; status says whether any is needed, and exits with 1 if so.",
  words: ["plan", "status"],
};

export async function migrate(args: readonly string[], io: CommandIo): Promise<number> {
  const settings = await readSettings(MIGRATE, args, io);
  if (settings.kind === "exit") return settings.code;
  const { config, word } = settings;
  try {
    if (word !== undefined) await requireEmbedded(config);
    // Standard output is for what was asked: `holdfast migrate plan > x.sql` holds SQL and nothing else.
    const log = commandLog(config, io, io.error);
    await using main = await findDatabase(config, { clock: systemClock, log });
    if (config.placements === null) return await withDatabase(main, (client) => runWord(word, client, io));
    const placed = config.placements.map((named) => ({
      name: named.name,
      source: placedDatabase(named, { ...config, placementListenUrls: null }, systemClock),
    }));
    return await runEach([{ name: MAIN, source: main }, ...placed], word, io);
  } catch (error) {
    io.error(`holdfast: ${messageOf(error)}\n`);
    return 1;
  }
}

/** One that fails holds up none of the others. Each line, and each database's SQL, says whose it is. */
async function runEach(databases: readonly Named[], word: string | undefined, io: CommandIo): Promise<number> {
  let code = 0;
  for (const { name, source } of databases) {
    let isTold = false;
    const out = (text: string) => {
      if (word !== "plan") return io.out(`${name}: ${text}`);
      io.out(isTold ? text : `-- placement ${name}\n${text}`);
      isTold = true;
    };
    try {
      code = Math.max(code, await withDatabase(source, (client) => runWord(word, client, { ...io, out })));
    } catch (error) {
      io.error(`holdfast: ${name}: ${messageOf(error)}\n`);
      code = 1;
    }
  }
  return code;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Who only looks makes no database. */
export async function requireEmbedded({ databaseUrl, dataDir }: Config): Promise<void> {
  if (databaseUrl !== null || (await holdsCluster(dataDir))) return;
  throw new OperatorError(
    `no database there yet: ${dataDir} holds none; "holdfast serve" or "holdfast migrate" makes one`,
  );
}

async function runWord(word: string | undefined, client: Client, io: Pick<CommandIo, "out">): Promise<number> {
  switch (word) {
    case "plan": {
      for (const { name, text } of await planMigrations(client)) io.out(`-- ${name}\n${text}\n`);
      return 0;
    }
    case "status": {
      const { kind, sentence } = await checkSchema(client);
      io.out(`${sentence}\n`);
      return kind === "current" || kind === "newer" ? 0 : 1;
    }
    default: {
      const applied = await applyMigrations(client);
      io.out(applied.length === 0 ? "The schema was current.\n" : `Applied ${applied.join(", ")}.\n`);
      return 0;
    }
  }
}

import { systemClock } from "../clock.ts";
import { findDatabase, withDatabase } from "../server/backend.ts";
import type { Config } from "../server/config.ts";
import { holdsCluster } from "../server/embedded-postgres/data-directory.ts";
import { OperatorError } from "../server/operator-error.ts";
import { migrate as applyMigrations, checkSchema, planMigrations } from "../store/postgres/migrate.ts";
import type { CommandIo } from "./commands.ts";
import { commandLog } from "./logging.ts";
import { readSettings } from "./settings.ts";

type Client = Parameters<Parameters<typeof withDatabase>[1]>[0];

export async function migrate(args: readonly string[], io: CommandIo): Promise<number> {
  const about =
    "Brings the schema of the database up to date. Safe to run from any number of processes at once.\n" +
    "plan prints the SQL that would be run; status says whether any is needed, and exits with 1 if so.";
  const settings = readSettings({ command: "migrate", about, words: ["plan", "status"] }, args, io);
  if (settings.kind === "exit") return settings.code;
  const { config, word } = settings;
  try {
    if (word !== undefined) await requireEmbedded(config);
    // Standard output is for what was asked: `holdfast migrate plan > x.sql` holds SQL and nothing else.
    const log = commandLog(config, io, io.error);
    await using database = await findDatabase(config, { clock: systemClock, log });
    return await withDatabase(database, (client) => runWord(word, client, io));
  } catch (error) {
    io.error(`holdfast: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

/** Who only looks makes no database. */
async function requireEmbedded({ databaseUrl, dataDir }: Config): Promise<void> {
  if (databaseUrl !== null || (await holdsCluster(dataDir))) return;
  throw new OperatorError(
    `no database there yet: ${dataDir} holds none; "holdfast serve" or "holdfast migrate" makes one`,
  );
}

async function runWord(word: string | undefined, client: Client, io: CommandIo): Promise<number> {
  switch (word) {
    case "plan": {
      for (const { name, text } of await planMigrations(client)) io.out(`-- ${name}\n${text}\n`);
      return 0;
    }
    case "status": {
      const { kind, sentence } = await checkSchema(client);
      io.out(`${sentence}\n`);
      return kind === "current" ? 0 : 1;
    }
    default: {
      const applied = await applyMigrations(client);
      io.out(applied.length === 0 ? "The schema was current.\n" : `Applied ${applied.join(", ")}.\n`);
      return 0;
    }
  }
}

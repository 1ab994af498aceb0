import { databaseUrl } from "../server/config/kinds.ts";
import { installFence, installScript, isSchemaName } from "../store/postgres/caller/install.ts";
import { redactUrl } from "../store/postgres/redacted-url.ts";
import { readArguments } from "./arguments.ts";
import { type CommandShape, NO_SHAPE } from "./command-shape.ts";
import type { CommandIo } from "./commands.ts";
import { onDatabase } from "./databases.ts";
import { EXIT } from "./exit-codes.ts";
import {
  anyText,
  asksForHelp,
  bareFlag,
  flagsHelp,
  type GivenFlags,
  readFlag,
  valueFlag,
  wrongValues,
} from "./own-flags.ts";
import { helpPage } from "./wrap.ts";

const ABOUT =
  "For the database of an application, which need not be Holdfast's: installs a table and the function\n" +
  "holdfast_fence(resource, fence), which an attempt calls first in the transaction that it writes in, and which refuses\n" +
  "an attempt that another has succeeded. Safe to run again, and from any number of processes at once.";

const SCHEMA = valueFlag(
  "schema",
  {
    ...anyText,
    placeholder: "NAME",
    allowed: "the name of a schema: at most 63 of a-z, 0-9 and _, no digit first, and not beginning with pg_",
    parse: (given) => (isSchemaName(given) ? given : undefined),
  },
  "Where to. It is made if it is not there, and refused if anybody but its owner may create in it.",
);

const DATABASE_URL = valueFlag(
  "database-url",
  databaseUrl,
  "The application's database, as who is to own the function. A password is better given in PGPASSWORD.",
);

const PRINT = bareFlag("print", "Print the SQL, and do nothing.");

const FLAGS = [SCHEMA, DATABASE_URL, PRINT];

export const SQL: CommandShape = {
  ...NO_SHAPE,
  about: ABOUT,
  subcommands: [{ name: "install", operand: "", summary: "Install, or print what would.", flags: FLAGS }],
};

/** Of the settings it takes none: those name Holdfast's database, and this is for another one. */
export async function sql(args: readonly string[], io: CommandIo): Promise<number> {
  if (asksForHelp(args)) {
    const usage =
      "Usage: holdfast sql install --schema NAME --database-url URL\n       holdfast sql install --schema NAME --print";
    io.out(helpPage(`${usage}\n\n${ABOUT}\n\n${flagsHelp(FLAGS)}\n`));
    return EXIT.done;
  }
  const { words, flags, problems } = readArguments("sql", "install", FLAGS, args);
  const wrong = [...problems, ...wrongWords(words), ...wrongValues(flags, FLAGS), ...wrongTogether(flags)];
  if (wrong.length > 0) {
    io.error(wrong.map((problem) => `holdfast: ${problem}\n`).join(""));
    return EXIT.misunderstood;
  }
  const schema = readFlag(flags, SCHEMA) ?? "";
  const url = readFlag(flags, DATABASE_URL);
  if (url === undefined) {
    io.out(installScript(schema));
    return EXIT.done;
  }
  return await install(schema, url, io);
}

async function install(schema: string, url: string, io: CommandIo): Promise<number> {
  const source = { url, listenUrl: url, description: redactUrl(url), option: "--database-url" };
  const done = await onDatabase(source, (client) => installFence(client, schema));
  if (done.kind === "done") {
    io.out(
      `Installed ${schema}.holdfast_fence(resource, fence), version 1. Its owner may call it; whoever else is to:\n` +
        `  grant usage on schema ${schema} to ROLE;\n` +
        `  grant execute on function ${schema}.holdfast_fence to ROLE;\n`,
    );
    return EXIT.done;
  }
  const why = done.error instanceof Error ? done.error.message : String(done.error);
  io.error(`holdfast: ${done.kind === "failed" ? "nothing was installed: " : ""}${why}\n`);
  return done.kind === "failed" ? EXIT.failed : EXIT.noAnswer;
}

function wrongWords([word, ...more]: readonly string[]): readonly string[] {
  if (word !== "install") return ['say what to do: "holdfast sql install"'];
  return more.map((other) => `"holdfast sql install" does not take ${JSON.stringify(other)}`);
}

function wrongTogether(flags: GivenFlags): readonly string[] {
  const problems = flags.has(SCHEMA.name) ? [] : ["--schema is needed: where the function is to be"];
  if (flags.has(PRINT.name) === flags.has(DATABASE_URL.name)) {
    problems.push("either --database-url or --print is needed, and not both");
  }
  return problems;
}

import { randomBytes } from "node:crypto";
import { newApiKey } from "../auth/api-key-secret.ts";
import type { ApiKey, ApiKeyInput } from "../auth/api-keys.ts";
import { createFirstKey, createGlobalKey, type FirstKeyOutcome } from "../auth/postgres/first-key.ts";
import { systemClock } from "../clock.ts";
import type { CreatedApiKey } from "../operations/admin/api-keys/create.ts";
import { madeToJson } from "../rpc/wire/api-key-json.ts";
import { findDatabase, withDatabase } from "../server/backend.ts";
import { OperatorError } from "../server/operator-error.ts";
import type { Connection } from "../store/postgres/connection.ts";
import { checkSchema } from "../store/postgres/migrate.ts";
import type { CommandIo } from "./commands.ts";
import { commandLog } from "./logging.ts";
import { requireEmbedded } from "./migrate.ts";
import { readSettings } from "./settings.ts";

type Client = Parameters<Parameters<typeof withDatabase>[1]>[0];

const WORDS = ["bootstrap", "recover"] as const;
type Word = (typeof WORDS)[number];

const ABOUT =
  "Works on the database directly, whether a server runs or not; its schema must be up to date.\n" +
  "bootstrap makes the first API key of all: one of every tenant that may register tenants and make further keys. It\n" +
  "is printed once. While there is such a key that is good, it refuses.\n" +
  "recover makes another one whatever there is, for when the secrets of the others are lost.";

/** The first API key, which nobody could make through a server that asks for one. */
export async function admin(args: readonly string[], io: CommandIo): Promise<number> {
  const settings = readSettings({ command: "admin", about: ABOUT, words: WORDS }, args, io);
  if (settings.kind === "exit") return settings.code;
  const { config } = settings;
  const word = WORDS.find((known) => known === settings.word);
  if (word === undefined) {
    io.error('holdfast: say what to do: "holdfast admin bootstrap" or "holdfast admin recover"\n');
    return 2;
  }
  try {
    await requireEmbedded(config);
    const log = commandLog({ ...config, logLevel: "warn" }, io, io.error);
    await using database = await findDatabase(config, { clock: systemClock, log });
    const made = await withDatabase(database, (client) => makeKey(word, client));
    io.out(config.output === "json" ? `${JSON.stringify(madeToJson(made))}\n` : textOf(made, io.terminal));
    return 0;
  } catch (error) {
    io.error(`holdfast: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function makeKey(word: Word, client: Client): Promise<CreatedApiKey> {
  const schema = await checkSchema(client);
  if (schema.kind !== "current") throw new OperatorError(schema.sentence);
  const { text: secret, ...fresh } = newApiKey((count) => new Uint8Array(randomBytes(count)));
  const input: ApiKeyInput = {
    ...fresh,
    tenant: null,
    // Not for work: whoever claims does so with a key of the tenant whose work it is.
    roles: new Set(["operate", "admin"]),
    displayName: `made by holdfast admin ${word}`,
    lifetimeMs: null,
  };
  const change = { actor: "command-line", reason: `holdfast admin ${word}` };
  const connection = over(client);
  if (word === "recover") return { key: await createGlobalKey(connection, input, change), secret };
  return { key: madeOrRefused(await createFirstKey(connection, input, change)), secret };
}

function madeOrRefused(outcome: FirstKeyOutcome): ApiKey {
  if (outcome.kind === "created") return outcome.key;
  throw new OperatorError(
    `there is an API key for administering every tenant already, ${outcome.id}: make others with "holdfast apikeys ` +
      'create". If its secret is lost, make another one with "holdfast admin recover", and revoke the lost one with ' +
      `"holdfast apikeys revoke ${outcome.id}"`,
  );
}

function over(client: Client): Connection {
  return {
    async query<Row>(statement: { readonly name: string; readonly text: string }, values: readonly unknown[]) {
      const { rows } = await client.query({ ...statement, values: [...values] });
      return rows as Row[];
    },
  };
}

/** Into a pipe or a variable goes the key and nothing else. */
function textOf({ key, secret }: CreatedApiKey, terminal: boolean): string {
  if (!terminal) return `${secret}\n`;
  return [
    `API key ${key.id}, of every tenant, with the roles ${[...key.roles].join(" and ")}.`,
    "Keep it where you keep passwords: it is shown here and never again.",
    "",
    `  ${secret}`,
    "",
    "Next, with a server that runs with --auth api-key:",
    "",
    `  export HOLDFAST_API_KEY=${secret}`,
    "  holdfast tenants register acme",
    "  holdfast apikeys create --tenant acme --roles claim,read",
    "",
  ].join("\n");
}

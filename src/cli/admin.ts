import { randomBytes } from "node:crypto";
import { newApiKey } from "../auth/api-key-secret.ts";
import type { ApiKey, ApiKeyInput } from "../auth/api-keys.ts";
import { createFirstKey, createGlobalKey, type FirstKeyOutcome } from "../auth/postgres/first-key.ts";
import { systemClock } from "../clock.ts";
import type { CreatedApiKey } from "../operations/admin/api-keys/create.ts";
import { madeToJson } from "../rpc/wire/api-key-json.ts";
import type { Config } from "../server/config.ts";
import { findDatabase, withDatabase } from "../server/database-source.ts";
import { OperatorError } from "../server/operator-error.ts";
import type { Connection } from "../store/postgres/connection.ts";
import { checkSchema } from "../store/postgres/migrate.ts";
import { rewrapKeys, rotateTenantKey } from "./admin/tenant-keys.ts";
import type { CommandIo } from "./commands.ts";
import { commandLog } from "./logging.ts";
import { requireEmbedded } from "./migrate.ts";
import { type CommandUsage, readSettings } from "./settings.ts";
import { jsonText } from "./table.ts";

type Client = Parameters<Parameters<typeof withDatabase>[1]>[0];

const WORDS = ["bootstrap", "recover", "rotate-key", "rewrap-keys"] as const;
type Word = (typeof WORDS)[number];

const ABOUT =
  "Works on the database directly, whether a server runs or not; its schema must be up to date.\n" +
  "bootstrap makes the first API key of all: one of every tenant that may register tenants and make further keys. It\n" +
  "is printed once. While there is such a key that is good, it refuses.\n" +
  "recover makes another one whatever there is, for when the secrets of the others are lost.\n" +
  "rotate-key TENANT gives an encrypted tenant a new key; rewrap-keys wraps the keys of all tenants with the first key of\n" +
  "--master-key-file, after every server has been given that file.";

export const ADMIN: CommandUsage = { command: "admin", about: ABOUT, words: WORDS };

/** What nobody could ask a server for: the first API key, and what is done with the master keys. */
export async function admin(given: readonly string[], io: CommandIo): Promise<number> {
  const { args, tenant } = withoutTenant(given);
  const settings = await readSettings(ADMIN, args, io);
  if (settings.kind === "exit") return settings.code;
  const { config } = settings;
  const word = WORDS.find((known) => known === settings.word);
  if (word === undefined) {
    io.error(`holdfast: say what to do: ${WORDS.map((known) => `"holdfast admin ${known}"`).join(", ")}\n`);
    return 2;
  }
  try {
    await requireEmbedded(config);
    const log = commandLog({ ...config, logLevel: "warn" }, io, io.error);
    await using database = await findDatabase(config, { clock: systemClock, log });
    io.out(await withDatabase(database, (client) => run({ word, tenant, config, terminal: io.terminal }, client)));
    return 0;
  } catch (error) {
    io.error(`holdfast: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

interface Task {
  readonly word: Word;
  readonly tenant: string | undefined;
  readonly config: Config;
  readonly terminal: boolean;
}

/** What is printed. */
async function run({ word, tenant, config, terminal }: Task, client: Client): Promise<string> {
  const schema = await checkSchema(client);
  if (schema.kind !== "current" && schema.kind !== "newer") throw new OperatorError(schema.sentence);
  switch (word) {
    case "rotate-key":
      return `${await rotateTenantKey(tenant, config.masterKeyFile, over(client))}\n`;
    case "rewrap-keys":
      return `${await rewrapKeys(config.masterKeyFile, over(client))}\n`;
    case "bootstrap":
    case "recover": {
      const made = await makeKey(word, client);
      return config.output === "json" ? jsonText(madeToJson(made)) : textOf(made, terminal);
    }
  }
}

/** The one word that may follow a word. */
function withoutTenant(args: readonly string[]): { readonly args: readonly string[]; readonly tenant?: string } {
  const [word, tenant, ...rest] = args;
  if (word !== "rotate-key" || tenant === undefined || tenant.startsWith("-")) return { args };
  return { args: [word, ...rest], tenant };
}

async function makeKey(word: "bootstrap" | "recover", client: Client): Promise<CreatedApiKey> {
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
      // Without its name: a pooler may lend another connection for the next one.
      const { rows } = await client.query({ text: statement.text, values: [...values] });
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

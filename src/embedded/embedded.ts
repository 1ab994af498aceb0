import { createClient, type Holdfast, type HoldfastOptions } from "../client/client.ts";
import { HoldfastError } from "../client/errors.ts";
import { DEFAULT_TENANT } from "../domain/tenant.ts";
import { parseMasterKeys } from "../store/sealed/master-keys.ts";
import { type Log, silentLog } from "../telemetry/log.ts";
import type { DatabaseOptions } from "./database.ts";
import { open } from "./open.ts";

// biome-ignore lint/performance: a package has one entry, and who uses this names what the client's users name.
export * from "../client/public.ts";
export type { Log, LogFields } from "../telemetry/log.ts";
export type { DatabaseOptions } from "./database.ts";

export interface EmbeddedOptions extends DatabaseOptions, Omit<HoldfastOptions, "clock"> {
  /** Must be registered. Default: "default", which always is. */
  readonly tenant?: string;
  /** For an encrypted tenant. */
  readonly encryption?: {
    /** What the file of --master-key-file holds: a line for each key, the one to write with first. */
    readonly masterKeys: string;
  };
  /** What goes wrong in the background. Default: nobody is told. */
  readonly log?: Log;
}

/**
 * The client without a server: the same calls, the same rules and the same SQL, straight on a Postgres of one's own. Any
 * number of processes, servers among them, share one database. It holds eight connections, and the process does not end
 * before `close()`.
 *
 * Whoever may connect here may do what a server may: there are no credentials, and no roles but the database's.
 *
 * @example
 * await using holdfast = await createEmbedded({ databaseUrl: "postgres://app@localhost/orders", migrate: true });
 * const { value } = await holdfast.once({ scope: "charge", key: order.id }, () => charge(order));
 *
 * @throws TypeError for options that are not allowed; HoldfastError TENANT_NOT_FOUND; an Error that says what is wrong
 * with the database, and how to mend it
 */
export async function createEmbedded(options: EmbeddedOptions): Promise<Holdfast> {
  const { tenant = DEFAULT_TENANT, encryption, log = silentLog } = options;
  const opened = await open({ ...options, log, masterKeys: masterKeysOf(encryption) });
  try {
    if (!(await opened.hasTenant(tenant))) {
      throw new HoldfastError("there is no such tenant in this database", { reason: "TENANT_NOT_FOUND" });
    }
    const client = createClient({ ...clientOptions(options), tenant, transport: opened.transport });
    let closed: Promise<void> | undefined;
    const close = () => {
      closed ??= (async () => {
        await client.close();
        opened.drain();
        await opened[Symbol.asyncDispose]();
      })();
      return closed;
    };
    return {
      ...client,
      get breaker() {
        return client.breaker;
      },
      ...{ close, [Symbol.asyncDispose]: close, [Symbol.dispose]: () => void close() },
    };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

/** The client's own: what is the database's would be taken for a way to a server, and the clock is the process's. */
const CLIENT_OPTIONS = Object.keys({
  owner: true,
  retry: true,
  breaker: true,
  cache: true,
  hooks: true,
  onWarning: true,
} satisfies Record<Exclude<keyof HoldfastOptions, "clock" | "tenant">, true>);

function clientOptions(options: EmbeddedOptions): HoldfastOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) => CLIENT_OPTIONS.includes(name) && value !== undefined),
  );
}

function masterKeysOf(encryption: EmbeddedOptions["encryption"]) {
  if (encryption === undefined) return null;
  const parsed = parseMasterKeys(encryption.masterKeys);
  if (parsed.kind === "master-keys") return parsed.masterKeys;
  throw new TypeError(`encryption.masterKeys: ${parsed.problems.join("; ")}`);
}

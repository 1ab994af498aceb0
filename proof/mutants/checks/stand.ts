import { systemClock } from "../../../src/clock.ts";
import { startEmbeddedPostgres } from "../../../src/server/embedded-postgres.ts";
import { silentObserver } from "../../../src/store/observer.ts";
import { BATCH_LIMITS } from "../../../src/store/postgres/batch-limits.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import { createDatabase } from "../../../src/store/postgres/database.ts";
import { migrate } from "../../../src/store/postgres/migrate.ts";
import { createPostgresStore } from "../../../src/store/postgres/store.ts";
import type { Store } from "../../../src/store/store.ts";
import { noTracing } from "../../../src/telemetry/tracing.ts";
import { createDataDirectory } from "../../../test/support/data-directory.ts";
import { freshToken } from "../../../test/support/records.ts";

export interface Stand {
  readonly url: string;
  /** With sessions of its own; gone with the stand. */
  openStore(): Promise<Store>;
}

/**
 * Ends the process with 0 when the check finds nothing wrong, with 1 when it does and says what, and with 2 when it could
 * not be made. Runs in the tree that it lies in, on a Postgres of its own.
 */
export async function check(
  settings: Readonly<Record<string, string>>,
  look: (stand: Stand) => Promise<string | null>,
): Promise<void> {
  try {
    const wrong = await withPostgres(settings, look);
    if (wrong !== null) process.stdout.write(`${wrong}\n`);
    process.exitCode = wrong === null ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 2;
  }
}

export async function withPostgres<T>(
  settings: Readonly<Record<string, string>>,
  work: (stand: Stand) => Promise<T>,
): Promise<T> {
  await using stack = new AsyncDisposableStack();
  const { path, remove } = createDataDirectory();
  stack.defer(remove);
  const log = { info() {}, warn() {} };
  const options = { dataDirectory: path, log, clock: systemClock, ephemeral: true, settings };
  const server = stack.adopt(await startEmbeddedPostgres(options), (running) => running.stop());
  const { url } = server;
  await withClient({ url }, (client) => migrate(client));
  const openStore = async () => {
    const database = createDatabase({ url, clock: systemClock, random: Math.random });
    stack.defer(() => database.close());
    const deps = { clock: systemClock, observer: silentObserver, tracing: noTracing };
    const store = createPostgresStore({
      ...deps,
      ...{ database, limits: BATCH_LIMITS, newToken: freshToken, asOf: () => null },
    });
    stack.defer(() => store.close());
    await database.opened();
    return store;
  };
  return await work({ url, openStore });
}

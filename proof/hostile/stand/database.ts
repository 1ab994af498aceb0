import { systemClock } from "../../../src/clock.ts";
import { startEmbeddedPostgres } from "../../../src/server/embedded-postgres.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import { migrate } from "../../../src/store/postgres/migrate.ts";
import { createDataDirectory } from "../../../test/support/data-directory.ts";

/** A Postgres for one run, gone after it. */
export interface OwnDatabase extends AsyncDisposable {
  readonly url: string;
}

export async function openDatabase(): Promise<OwnDatabase> {
  const { path: dataDirectory, remove } = createDataDirectory();
  const nothing = () => undefined;
  const log = { info: nothing, warn: nothing };
  const postgres = await startEmbeddedPostgres({ dataDirectory, log, clock: systemClock, ephemeral: true });
  await withClient({ url: postgres.url }, (client) => migrate(client));
  return {
    url: postgres.url,
    async [Symbol.asyncDispose]() {
      await postgres.stop();
      await remove();
    },
  };
}

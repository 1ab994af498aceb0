import { systemClock } from "../../../src/clock.ts";
import { startEmbeddedPostgres } from "../../../src/server/embedded-postgres.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import { migrate } from "../../../src/store/postgres/migrate.ts";
import { createDataDirectory, removeDirectoriesOfTheDead } from "../../../test/support/data-directory.ts";

export interface RacingPostgres extends AsyncDisposable {
  readonly url: string;
  readonly version: string;
}

/** From the binaries of npm, in memory where there is room, with the schema; gone when it is disposed of. */
export async function startPostgres(): Promise<RacingPostgres> {
  await removeDirectoriesOfTheDead();
  await using opening = new AsyncDisposableStack();
  const { path: dataDirectory, remove } = createDataDirectory();
  opening.defer(remove);
  const server = await startEmbeddedPostgres({
    ...{ dataDirectory, clock: systemClock, settings: { max_connections: "200" } },
    log: {
      info: () => {},
      warn: (fields, message) => void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
    },
  });
  opening.defer(() => server.stop());
  const { url, version } = server;
  await withClient({ url }, (client) => migrate(client));
  const opened = opening.move();
  return { url, version, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

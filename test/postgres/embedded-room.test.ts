import { expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { findDatabase } from "../../src/server/database-source.ts";
import { CONNECTIONS } from "../../src/server/limits.ts";
import { withClient } from "../../src/store/postgres/connection.ts";
import { createDataDirectory } from "../support/data-directory.ts";

test("an embedded Postgres that is started for eight processes has connections for all of them", async () => {
  const { path: dataDir, remove } = createDataDirectory();
  try {
    await using database = await findDatabase(
      { databaseUrl: null, listenUrl: null, dataDir, databasePasswordFile: null, databasePasswordCommand: null },
      { clock: systemClock, log: { info: () => {}, warn: () => {} }, processes: 8 },
    );
    const room = await withClient(database, async (client) => {
      const { rows } = await client.query<{ room: number }>(
        "select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as room",
      );
      return rows[0]?.room;
    });
    expect(room).toBeGreaterThanOrEqual(8 * CONNECTIONS.main);
  } finally {
    await remove();
  }
});

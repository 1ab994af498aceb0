import { expect, test } from "vitest";
import { LANGUAGES, prepareDriver } from "../../conformance/drivers.ts";
import { SHORT } from "../../conformance/race/options.ts";
import { race } from "../../conformance/race/run.ts";
import { startServer } from "../process/server.ts";
import { createTestDatabase } from "../support/database.ts";

const prepared = await Promise.all(LANGUAGES.map(prepareDriver));
const drivers = prepared.flatMap(({ command }) => command ?? []);
const leftOut = prepared.flatMap(({ leftOut: why }) => why ?? []);

test(`clients in ${drivers.map(({ name }) => name).join(", ")} that race and are killed do the work of each key once ${leftOut.map((why) => `(${why})`).join(" ")}`, async () => {
  const database = await createTestDatabase();
  try {
    await using server = await startServer({ databaseUrl: database.url });
    const figures = await race({ ...SHORT, drivers, seed: 8, address: server.grpc, leaseMs: 2_000 });
    expect(figures.violations).toEqual([]);
    expect(figures).toMatchObject({ kills: SHORT.kills, ledger: { executions: SHORT.keys } });
  } finally {
    await database.drop();
  }
}, 120_000);

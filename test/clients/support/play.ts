import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Language, prepareDriver } from "../../../conformance/drivers.ts";
import { wrongVectors } from "../../../conformance/held.ts";
import type { Scenario } from "../../../conformance/scenarios/scenario.ts";
import { SCENARIOS } from "../../../conformance/scenarios.ts";
import { createTroupe, type Troupe } from "../../../conformance/stage.ts";
import { VECTOR_FILES } from "../../../conformance/vectors.ts";
import { type ServerProcess, startServer } from "../../process/server.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

/** Most of a scenario is waiting: for a lease to run out, or another process to answer. */
const SCENARIO_MS = 120_000;

/**
 * Has a client answer all vectors and play the scenarios, together with one in another language, against a server of its
 * own. Where the tools of one of them are missing, there is a test that says so.
 */
export async function play(
  language: Language,
  partner: Language,
  scenarios: readonly Scenario[] = SCENARIOS,
): Promise<void> {
  const prepared = [await prepareDriver(language), await prepareDriver(partner)];
  const missing = prepared.find(({ leftOut }) => leftOut !== undefined);
  const [command, other] = prepared.map((each) => each.command);
  if (missing !== undefined || command === undefined || other === undefined) {
    test(`a client in ${language}, with one in ${partner}: ${missing?.leftOut}`, () => undefined);
    return;
  }

  let database: TestDatabase;
  let server: ServerProcess;
  let troupe: Troupe;

  beforeAll(async () => {
    database = await createTestDatabase();
    const start = (args: readonly string[] = []) => startServer({ databaseUrl: database.url, args });
    server = await start();
    troupe = createTroupe({ command, other, address: server.grpc, startServer: start });
  });

  afterAll(async () => {
    await troupe?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await database?.drop();
  });

  test.each(VECTOR_FILES)(`a client in ${language} answers as vectors/%s.json says`, async (file) => {
    expect(await wrongVectors(troupe, file)).toEqual([]);
  });

  describe.concurrent(`a client in ${language}, with one in ${partner},`, () => {
    for (const { name, play: playOne } of scenarios) {
      test(
        name,
        async () => {
          await using stage = troupe.stage();
          await playOne(stage);
        },
        SCENARIO_MS,
      );
    }
  });
}

import { expect, test } from "vitest";
import { addMs } from "../../../../src/domain/instant.ts";
import type { Connection } from "../../../../src/store/postgres/connection.ts";
import { formatInstant } from "../../../../src/store/postgres/instant.ts";
import { createServerTime } from "../../../../src/store/postgres/server-time.ts";
import { NOW } from "../../../support/records.ts";
import { createManualClock } from "../manual-clock.ts";

const LATE_MS = 5_000;

function databaseAt(now: number) {
  const asked: string[] = [];
  const connection: Connection = {
    async query<Row>(statement: { readonly name: string }) {
      asked.push(statement.name);
      return [{ now }] as Row[];
    },
  };
  return { connection, asked };
}

test("the database is asked once, and its clock carried on by the monotonic one", async () => {
  const clock = createManualClock();
  const { connection, asked } = databaseAt(NOW);
  const time = createServerTime({ clock, asOf: () => null });
  expect(await time.notAfter(connection)).toBe(formatInstant(addMs(NOW, LATE_MS)));
  await clock.advance(250);
  expect(await time.notAfter(connection)).toBe(formatInstant(addMs(NOW, 250 + LATE_MS)));
  expect(asked).toEqual(["server-time"]);
  expect(time.asOf()).toBeNull();
});

test("the latest answer counts, also after the database's clock was set back", async () => {
  const clock = createManualClock();
  const { connection, asked } = databaseAt(NOW);
  const time = createServerTime({ clock, asOf: () => null });
  time.observed(addMs(NOW, 3_600_000));
  time.observed(NOW);
  expect(await time.notAfter(connection)).toBe(formatInstant(addMs(NOW, LATE_MS)));
  expect(asked).toEqual([]);
});

test("an instant of the test's stands for the database's clock", async () => {
  const { connection, asked } = databaseAt(0);
  const time = createServerTime({ clock: createManualClock(), asOf: () => NOW });
  expect(time.asOf()).toBe(formatInstant(NOW));
  expect(await time.notAfter(connection)).toBe(formatInstant(addMs(NOW, LATE_MS)));
  expect(asked).toEqual([]);
});

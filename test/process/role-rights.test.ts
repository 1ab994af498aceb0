import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { withClient } from "../../src/store/postgres/connection.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { spawnServer } from "./server.ts";

const role = `holdfast_without_${randomBytes(4).toString("hex")}`;
let database: TestDatabase;

function run(url: string, statement: string) {
  return withClient({ url }, (client) => client.query(statement));
}

beforeAll(async () => {
  database = await createTestDatabase();
  await run(inject("postgresUrl"), `create role ${role} login`);
  await run(database.ownerUrl, `alter role ${role} set default_transaction_isolation = 'serializable'`);
});

afterAll(async () => {
  await run(database.ownerUrl, `drop owned by ${role}`);
  await run(inject("postgresUrl"), `drop role ${role}`);
  await database.drop();
});

test("a role that may not use the schema is told so with the SQL, with all else that is wrong, by the log too", async () => {
  const databaseUrl = `${database.ownerUrl}${database.ownerUrl.includes("?") ? "&" : "?"}user=${role}`;
  for (const args of [[], ["--migrate"]]) {
    const server = spawnServer({ databaseUrl, args });
    expect(await server.exited).toEqual({ code: 1, signal: null });
    const reason = server.lines.find(({ message }) => message === "could not start")?.["reason"];
    for (const told of [server.stderr(), reason]) {
      expect(told).toContain("The database cannot be used:");
      expect(told).toContain("default_transaction_isolation is serializable.");
      expect(told).toContain(`grant usage on schema holdfast to ${role};`);
    }
  }
});

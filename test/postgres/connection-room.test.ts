import { afterAll, beforeAll, expect, test } from "vitest";
import { withClient } from "../../src/store/postgres/connection.ts";
import { type ConnectionRoom, findRoomProblems, judgeRoom } from "../../src/store/postgres/connection-room.ts";
import { checkDatabase } from "../../src/store/postgres/startup.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

const NEED = { processes: 7, each: 14, spare: 3 };
const ROOM: ConnectionRoom = {
  ...{ max_connections: 100, of_server: 97, of_role: null, of_database: null, role: "holdfast", database: "holdfast" },
};

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database?.drop());

test("six workers fit into what PostgreSQL has room for by itself, and seven do not", () => {
  expect(judgeRoom(ROOM, { ...NEED, processes: 6 })).toEqual([]);
  expect(judgeRoom(ROOM, NEED)).toEqual([
    {
      what: "7 workers need 101 connections, 14 for each and 3 for commands, and max_connections = 100 allows this role 97.",
      mend: "Set max_connections = 104 or more and restart the database, or start with --workers 6.",
    },
  ]);
});

test("what the role and the database are limited to is named with the SQL that mends it", () => {
  const limited = { ...ROOM, of_server: 500, max_connections: 503, of_role: 20, of_database: 50 };
  expect(judgeRoom(limited, NEED).map(({ what, mend }) => `${what} ${mend}`)).toEqual([
    "7 workers need 101 connections, 14 for each and 3 for commands, and the role may have 20. " +
      "Run: alter role holdfast connection limit 101; or start with --workers 1.",
    "7 workers need 101 connections, 14 for each and 3 for commands, and the database takes 50. " +
      "Run: alter database holdfast connection limit 101; or start with --workers 3.",
  ]);
});

test("a database tells what it has room for", async () => {
  await withClient({ url: database.url }, async (client) => {
    expect(await findRoomProblems(client, { ...NEED, processes: 2 })).toEqual([]);
    const [problem] = await findRoomProblems(client, { ...NEED, processes: 1_000_000 });
    const { rows } = await client.query<{ max: number }>("select current_setting('max_connections')::int as max");
    expect(problem?.what).toContain(`max_connections = ${rows[0]?.max} allows this role `);
  });
});

test("it is judged with the rest of the start, but not for one process, and not behind a pooler that lends", async () => {
  const connections = { ...NEED, processes: 1_000_000 };
  const options = { allowUnsafeDatabase: true };
  await withClient({ url: database.url }, async (client) => {
    const whats = async (more: object) =>
      (await checkDatabase(client, { ...options, ...more })).map(({ what }) => what);
    expect(await whats({ connections })).toEqual([expect.stringMatching(/^1000000 workers need/)]);
    expect(await whats({})).toEqual([]);
    expect((await whats({ connections, pooled: true })).join()).not.toContain("workers need");
  });
});

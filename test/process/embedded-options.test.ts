import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { createEmbedded, type EmbeddedOptions } from "../../src/embedded/embedded.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database?.drop());

const openEmbedded = (options: Partial<EmbeddedOptions>) =>
  createEmbedded({ databaseUrl: database.url, allowUnsafeDatabase: true, ...options });

async function messageOf(open: () => unknown): Promise<string> {
  try {
    await open();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "nothing: it was taken";
}

test.each([
  ["owner", { owner: { service: "x".repeat(257) } }],
  ["breaker", { breaker: { failures: 0 } }],
  ["cache", { cache: { entries: 0 } }],
])("an embedded one refuses what a client refuses as its option %s", async (name, options) => {
  const clients = await messageOf(() => createClient({ address: "127.0.0.1:1", tenant: "default", ...options }));
  expect(clients).toContain(name === "owner" ? "owner.service" : name);
  expect(await messageOf(() => openEmbedded(options))).toBe(clients);
});

test("an embedded one tells hooks and warnings, and keeps results, as a client does", async () => {
  const [replays, warnings] = [[] as string[], [] as string[]];
  await using holdfast = await openEmbedded({
    hooks: {
      onReplay: ({ source }) => void replays.push(source),
      onClaim() {
        throw new Error("of the application's");
      },
    },
    cache: { entries: 1 },
    onWarning: ({ kind }) => void warnings.push(kind),
  });
  const key = { scope: "options", key: randomUUID(), input: null };
  expect((await holdfast.once(key, () => 1)).value).toBe(1);
  expect((await holdfast.once(key, () => 2)).value).toBe(1);
  expect((await holdfast.once(key, () => 3)).value).toBe(1);
  expect(replays.at(-1)).toBe("cache");
  expect(warnings).toContain("hook-failed");
});

test("an embedded one takes no option for another's clock, and none for a way to a server", async () => {
  const options: object = { clock: null, address: "127.0.0.1:1", apiKey: "of-nobody" };
  await using holdfast = await openEmbedded(options);
  expect(await holdfast.once({ scope: "options", key: randomUUID(), input: null }, () => 1)).toMatchObject({
    value: 1,
  });
});

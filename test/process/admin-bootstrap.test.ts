import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { holdfast } from "./server.ts";

const KEY = /^hf_([A-Za-z0-9]{16})\.[A-Za-z0-9_-]{43}$/;

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(() => database?.drop());

const admin = (...words: readonly string[]) => holdfast(["admin", ...words, "--database-url", database.url]);

async function rows(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

describe("bootstrap", () => {
  test("prints the first API key and nothing else, and keeps no secret", async () => {
    const made = await admin("bootstrap");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    const [, id] = KEY.exec(made.stdout.trimEnd()) ?? [];
    expect(await rows("select id, tenant, roles, expire_time from holdfast.api_key")).toEqual([
      { id, tenant: null, roles: ["operate", "admin"], expire_time: null },
    ]);
    expect(await rows("select actor, action, subject_kind, subject, tenant, reason from holdfast.audit")).toEqual([
      {
        ...{ actor: "command-line", action: "create", subject_kind: "api-key", subject: id, tenant: null },
        reason: "holdfast admin bootstrap",
      },
    ]);
    const secret = made.stdout.trimEnd().split(".")[1] ?? "";
    const stored = JSON.stringify(await rows("select k::text, a::text from holdfast.api_key k, holdfast.audit a"));
    expect(stored).not.toContain(secret);
    expect(stored).not.toContain(Buffer.from(secret).toString("hex"));
  });

  test("prints what CreateApiKey answers, for scripts", async () => {
    const made = await admin("bootstrap", "--output", "json");
    const answer = JSON.parse(made.stdout) as { readonly secret: string };
    expect(answer).toEqual({
      apiKey: {
        keyId: KEY.exec(answer.secret)?.[1],
        tenantId: "",
        roles: ["ROLE_OPERATE", "ROLE_ADMIN"],
        displayName: "made by holdfast admin bootstrap",
        createTime: expect.stringMatching(/^\d{4}-.*Z$/),
      },
      secret: expect.stringMatching(KEY),
    });
  });

  test("refuses while there is such a key, and says which and what to do", async () => {
    const [, id] = KEY.exec((await admin("bootstrap")).stdout.trimEnd()) ?? [];
    const again = await admin("bootstrap");
    expect(again).toMatchObject({ code: 1, stdout: "" });
    for (const words of [id, "holdfast apikeys create", "holdfast admin recover", `holdfast apikeys revoke ${id}`]) {
      expect(again.stderr).toContain(words);
    }
    expect(await rows("select id from holdfast.api_key")).toHaveLength(1);
  });
});

test("recover makes another key, and the audit log says so", async () => {
  await admin("bootstrap");
  expect(await admin("recover")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^hf_/) });
  expect(await rows("select reason from holdfast.audit order by sequence")).toEqual([
    { reason: "holdfast admin bootstrap" },
    { reason: "holdfast admin recover" },
  ]);
});

test("a schema that is not up to date is left alone", async () => {
  const empty = await createEmptyDatabase();
  try {
    const made = await holdfast(["admin", "bootstrap", "--database-url", empty.url]);
    expect(made).toMatchObject({ code: 1, stdout: "" });
    expect(made.stderr).toContain("Run: holdfast migrate");
  } finally {
    await empty.drop();
  }
});

test("where no database is, none is made", async () => {
  const made = await holdfast(["admin", "bootstrap", "--data-dir", join(tmpdir(), `holdfast-${randomUUID()}`)]);
  expect(made).toMatchObject({ code: 1, stdout: "" });
  expect(made.stderr).toContain("no database there yet");
});

test.each([
  [[], 'say what to do: "holdfast admin bootstrap"'],
  [["bootstrp"], '"holdfast admin" does not take "bootstrp"'],
  [["bootstrap", "--forc"], 'unknown flag "--forc" of "holdfast admin"'],
])("%j is not understood, and nothing is made", async (words, explained) => {
  const made = await admin(...words);
  expect(made).toMatchObject({ code: 2, stdout: "" });
  expect(made.stderr).toContain(explained);
  expect(await rows("select id from holdfast.api_key")).toEqual([]);
});

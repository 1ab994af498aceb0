import { afterAll, beforeAll, expect, test } from "vitest";
import { admin } from "../../../src/cli/admin.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

test("on a terminal, the key comes with what to do next", async () => {
  const outs: string[] = [];
  const errors: string[] = [];
  const io = {
    out: (text: string) => void outs.push(text),
    error: (text: string) => void errors.push(text),
    terminal: true,
    env: { HOLDFAST_DATABASE_URL: database.url },
  };
  expect(await admin(["bootstrap"], io)).toBe(0);
  expect(errors).toEqual([]);
  const out = outs.join("");
  const [secret = ""] = /^ {2}(hf_[A-Za-z0-9]{16}\.\S{43})$/m.exec(out)?.slice(1) ?? [];
  expect(secret).not.toBe("");
  expect(out).toContain("of every tenant, with the roles operate and admin");
  expect(out).toContain(`export HOLDFAST_API_KEY=${secret}\n`);
  expect(out).toContain("holdfast tenants register");
  expect(await admin(["bootstrap"], io)).toBe(1);
  expect(errors.join("")).not.toContain(secret.slice(20));
  expect(outs).toHaveLength(1);
});

import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { holdfast, startServer } from "./server.ts";

const folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-config-file-"));
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  folder[Symbol.dispose]();
  await database?.drop();
});

function fileWith(text: string, mode = 0o600): string {
  const path = join(folder.path, "holdfast.yaml");
  writeFileSync(path, text, { mode });
  return path;
}

test("a server takes its settings from a file, and its neighbours from the same one", async () => {
  const path = fileWith(
    `database-url: ${database.url}\nallow-unsafe-database: true\nlog-level: debug\ntimeout: 4s\ndrain-delay: 7s\n`,
  );
  const env = { HOLDFAST_CONFIG: path };
  await using server = await startServer({ env, args: ["--drain-delay", "0"] });
  expect((await fetch(`${server.http}/readyz`)).status).toBe(200);
  const address = ["--http-address", server.http.replace("http://", "")];
  expect(await holdfast(["health", ...address], env)).toMatchObject({ code: 0 });
  expect(await holdfast(["migrate", "status"], env)).toMatchObject({ code: 0 });
  expect(await holdfast(["tenants", "list", "--server", server.grpc], env)).toMatchObject({ code: 0, stderr: "" });
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test("a server refuses to start with everything that is wrong with the file, and repeats none of it", async () => {
  const path = fileWith(
    "databse-url: postgres://me:geheim@db/x\ndrain-delay: geheim\nlog-level: info\nlog-level: info\n",
  );
  const { code, stdout, stderr } = await holdfast(["serve", "--config", path]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.trimEnd().split("\n")).toEqual([
    `holdfast: file ${path} line 4: the same name is on line 3 already`,
    `holdfast: file ${path} line 1: there is no setting "databse-url": did you mean database-url?`,
    expect.stringContaining(`holdfast: drain-delay (file ${path} line 2) must be a time`),
  ]);
  expect(await holdfast(["config", "check", "--config", path])).toMatchObject({ code: 2, stderr });
});

test("a server warns in its log of a variable that is nearly a setting", async () => {
  await using server = await startServer({
    databaseUrl: database.url,
    env: { HOLDFAST_DATABASE_ULR: "postgres://me:geheim@db/x", HOLDFAST_PORT: "tcp://10.0.0.1:7400" },
  });
  const warnings = server.lines.filter(({ level }) => level === "warn").map(({ message }) => message);
  expect(warnings).toContain(
    "the variable HOLDFAST_DATABASE_ULR is no setting and is not read: did you mean HOLDFAST_DATABASE_URL?",
  );
  expect(JSON.stringify(server.lines)).not.toContain("geheim");
  expect(JSON.stringify(server.lines)).not.toContain("HOLDFAST_PORT");
});

test("config prints where in the file a value is, without its secret", async () => {
  const path = fileWith("# ours\ndatabase-url: postgres://me:geheim@db/x\n");
  const { code, stdout, stderr } = await holdfast(["config", "--config", path]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(`database-url = postgres://me:***@db/x  # ${path}:2\n`);
  expect(stdout).not.toContain("geheim");
});

import { mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hasPassword, type PasswordConfig, passwordFor } from "../../../src/server/database-password.ts";
import { createManualClock } from "../store/manual-clock.ts";

const URL = "postgres://me@db.example:6543/records";

function passwordOf(config: Partial<PasswordConfig>, url = URL, placement = "main", clock = createManualClock()) {
  const all = { databasePasswordFile: null, databasePasswordCommand: null, ...config };
  return passwordFor(url, placement, all, clock);
}

test.each([
  ["postgres://me:geheim@db/x", true],
  ["postgresql://me:geheim@/x?host=/run", true],
  ["postgres://db/x?password=geheim", true],
  ["postgres:///x?host=/run&password=geheim", true],
  ["postgres://me@db/x", false],
  ["postgres://me:@db/x", false],
  ["postgres://db:5432/x", false],
  ["postgres:///x?host=/run&user=me", false],
  ["postgres://db/x?password=", false],
])("%s has a password of its own: %s", (url, expected) => {
  expect(hasPassword(url)).toBe(expected);
});

test("an address with a password of its own keeps it, and without any other there is none", () => {
  expect(passwordOf({ databasePasswordFile: "/file" }, "postgres://me:geheim@db/x")).toBeNull();
  expect(passwordOf({})).toBeNull();
});

test("a file is read each time, without the newline at its end, and may be each placement's own", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-password-"));
  const password = passwordOf({ databasePasswordFile: join(folder.path, "of-{placement}") }, URL, "eu");
  await expect(password?.()).rejects.toThrow(/^--database-password-file cannot be read \(ENOENT\): .*of-eu$/);
  writeFileSync(join(folder.path, "of-eu"), " one\n");
  expect(await password?.()).toBe(" one");
  writeFileSync(join(folder.path, "of-eu"), "two\r\n");
  expect(await password?.()).toBe("two");
  writeFileSync(join(folder.path, "of-eu"), "\n");
  await expect(password?.()).rejects.toThrow("--database-password-file is empty");
});

test("a command is told for whom, is run once for all who ask at a time, and again later", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-password-"));
  const runs = join(folder.path, "runs");
  const command = `echo run >>${runs}; echo "$HOLDFAST_PLACEMENT $PGUSER $PGHOST $PGPORT $PGDATABASE"`;
  const clock = createManualClock();
  const password = passwordOf({ databasePasswordCommand: command }, URL, "eu", clock);
  const count = () => readFileSync(runs, "utf8").split("\n").length - 1;
  expect(await Promise.all([password?.(), password?.()])).toEqual(Array(2).fill("eu me db.example 6543 records"));
  await clock.advance(4_999);
  await password?.();
  expect(count()).toBe(1);
  await clock.advance(1);
  await password?.();
  expect(count()).toBe(2);
});

test("a command that fails is asked again a second later, and what it says is repeated nowhere", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-password-"));
  const runs = join(folder.path, "runs");
  const clock = createManualClock();
  const command = `echo run >>${runs}; echo geheim; echo geheim >&2; exit 7`;
  const password = passwordOf({ databasePasswordCommand: command }, URL, "main", clock);
  const failure = async () => password?.().catch((error: unknown) => error);
  const said = await failure();
  expect(said).toMatchObject({
    name: "OperatorError",
    message: "--database-password-command ended with 7; run it by hand to see what it says",
  });
  expect(JSON.stringify(said, Object.getOwnPropertyNames(said))).not.toContain("geheim");
  await failure();
  expect(readFileSync(runs, "utf8")).toBe("run\n");
  await clock.advance(1_000);
  await failure();
  expect(readFileSync(runs, "utf8")).toBe("run\nrun\n");
});

test.each([
  ["true", "--database-password-command printed nothing"],
  ["yes", "--database-password-command printed more than 65536 bytes; run it by hand to see what it says"],
  ["kill -9 $$", "--database-password-command could not be run (SIGKILL); run it by hand to see what it says"],
])("%s is no password: %s", async (command, message) => {
  await expect(passwordOf({ databasePasswordCommand: command })?.()).rejects.toThrow(message);
});

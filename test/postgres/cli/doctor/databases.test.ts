import { expect, test } from "vitest";
import { withClient } from "../../../../src/store/postgres/connection.ts";
import { migrate } from "../../../../src/store/postgres/migrate.ts";
import { directory, start } from "../../../support/embedded.ts";
import { DEAD_URL, examine, patient, run } from "./stand.ts";

const identity = "select id::text from holdfast.identity";
const checks = (
  findings: readonly { readonly of: string; readonly check: string; readonly level: string }[],
  of: string,
  check: string,
) => findings.filter((finding) => finding.of === of && finding.check === check);

test("each database is looked at, and one that cannot be reached hides none of the others", async () => {
  const [main, eu] = [await patient(), await patient()];
  const { code, findings } = await examine(main.url, "--placements", `eu=${eu.url} us=${DEAD_URL}`);
  expect(code).toBe(1);
  for (const of of ["main", "eu"]) {
    expect(checks(findings, of, "audit")).toEqual([expect.objectContaining({ level: "ok" })]);
  }
  expect(findings.filter(({ of }) => of === "us")).toEqual([
    expect.objectContaining({
      check: "connection",
      level: "problem",
      sentence: expect.stringContaining("ECONNREFUSED"),
    }),
  ]);
});

test("a database that cannot be reached is told without its password, by an exit code of its own", async () => {
  const { code, out } = await run("postgresql://me:geheim@127.0.0.1:1/x");
  expect(code).toBe(3);
  expect(out).toContain("postgresql://me:***@127.0.0.1:1/x");
  expect(out).toMatch(/^1 problem and 1 warning\.$/m);
  expect(out).not.toContain("geheim");
});

test("a name that leads to another database than main knows is a problem, and so are two names for one", async () => {
  const [main, eu, us] = [await patient(), await patient(), await patient()];
  const { rows } = await eu.client.query(identity);
  await main.client.query("insert into holdfast.placement (name, identity) values ('eu', $1)", [rows[0].id]);
  const said = async (...placements: readonly string[]) =>
    (await examine(main.url, "--placements", placements.join(" "))).of("placements");
  expect(await said(`eu=${eu.url}`)).toEqual([expect.objectContaining({ level: "ok" })]);
  expect(await said(`eu=${us.url}`)).toEqual([
    expect.objectContaining({ level: "problem", sentence: expect.stringContaining("another database as eu") }),
  ]);
  expect(await said(`asia=${eu.url}`)).toEqual([
    expect.objectContaining({ level: "problem", sentence: "main knows this database as eu, not as asia." }),
  ]);
  expect(await said(`eu=${main.url}`)).toContainEqual(
    expect.objectContaining({ level: "problem", sentence: expect.stringContaining("main and eu are one database") }),
  );
});

test("tenants on a placement that was not named are told", async () => {
  const main = await patient();
  await main.client.query("insert into holdfast.tenant (id, placement) values ('acme', 'eu'), ('beta', 'eu')");
  expect((await examine(main.url)).of("placements")).toEqual([
    expect.objectContaining({
      level: "warning",
      sentence: expect.stringContaining("2 tenants are on the placement eu"),
    }),
  ]);
});

test("an address for LISTEN that leads to another database is a problem", async () => {
  const [main, other] = [await patient(), await patient()];
  expect((await examine(main.url, "--listen-url", main.url)).of("listen")).toEqual([
    expect.objectContaining({
      level: "ok",
      sentence: expect.stringMatching(/^A notification arrives after [\d.]+ ms\.$/),
    }),
  ]);
  expect((await examine(main.url, "--listen-url", other.url)).of("listen")).toEqual([
    expect.objectContaining({ level: "problem", sentence: "--listen-url leads to another database." }),
  ]);
  expect((await examine(main.url, "--listen-url", DEAD_URL)).of("listen")).toEqual([
    expect.objectContaining({ level: "warning", sentence: expect.stringContaining("ECONNREFUSED") }),
  ]);
});

test("what is said of the pooler is compared with what is there", async () => {
  const { url } = await patient();
  expect((await examine(url, "--pooler", "transaction")).of("pooler")).toEqual([
    expect.objectContaining({ level: "warning", sentence: expect.stringContaining("no such pooler was found") }),
  ]);
  expect((await examine(url, "--pooler", "none")).of("pooler")).toEqual([expect.objectContaining({ level: "ok" })]);
});

test("of the embedded database none is made and none is started; one that runs is looked at", async () => {
  const dataDir = directory();
  const absent = await run("", "--data-dir", dataDir);
  expect(absent).toMatchObject({ code: 1, out: "" });
  expect(absent.error).toMatch(/no database there yet/);
  const server = await start(dataDir);
  const { code, findings } = await examine("", "--data-dir", dataDir);
  expect(code).toBe(1);
  expect(checks(findings, "main", "start")).toEqual([
    expect.objectContaining({ level: "problem", sentence: expect.stringContaining("Run: holdfast migrate") }),
  ]);
  await withClient({ url: server.url }, (client) => migrate(client));
  expect(await examine("", "--data-dir", dataDir)).toMatchObject({ code: 0, healthy: true });
  await server.stop();
  const stopped = await run("", "--data-dir", dataDir);
  expect(stopped).toMatchObject({ code: 3, out: "" });
  expect(stopped.error).toMatch(/no server runs on the data directory .* doctor starts none/);
});

test("what it does not understand it refuses, all of it at once", async () => {
  const { code, out, error } = await run(DEAD_URL, "now", "--outptu", "json", "--http-address", "nowhere");
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(error).toMatch(/"--outptu" of "holdfast doctor": did you mean --output\?/);
  expect(error).toMatch(/--http-address must be HOST:PORT/);
  expect(error).toMatch(/does not take "now"/);
});

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newKey } from "../process/callers.ts";
import { type CommandResult, holdfast, type ServerProcess, spawnServer, startServer } from "../process/server.ts";
import { claimOf, connect, until } from "../process/waiting-calls.ts";
import { type Authority, createAuthority } from "../support/certificates.ts";
import { type Cluster, createCluster } from "./support/cluster.ts";
import { describeWith } from "./support/programs.ts";
import { readyz } from "./support/readyz.ts";
import { makeDatabase, ROLE } from "./support/stand.ts";

const PORTS = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0", "--log-format", "json"];

await describeWith(["postgres"], "a login", ({ postgres }) => {
  let cluster: Cluster;
  let directory: string;

  beforeAll(async () => {
    cluster = await createCluster(postgres);
    await makeDatabase(cluster, "main", { forPooler: false });
    await makeDatabase(cluster, "eu", { forPooler: false });
    await cluster.allow("host all postgres 127.0.0.1/32 trust", "host all all 127.0.0.1/32 scram-sha-256");
    await cluster.reload();
  });

  afterAll(() => cluster?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "holdfast-infra-login-"));
    return () => rm(directory, { recursive: true });
  });

  const url = () => cluster.url("main", ROLE);

  async function setPassword(password: string): Promise<void> {
    await cluster.sql(`alter role ${ROLE} password '${password}'`);
  }

  /** Whoever is connected has to log in again. */
  async function cutOff(): Promise<void> {
    await cluster.sql(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${ROLE}'`);
  }

  /** Resolves once a call is answered. */
  async function claims({ grpc }: ServerProcess): Promise<void> {
    using caller = connect(grpc);
    const isAnswered = () =>
      caller.claim(claimOf(newKey())).then(
        () => true,
        () => false,
      );
    await until(isAnswered);
  }

  /** What is not to be told is in none of what it printed. */
  function refusal({ code, stdout, stderr }: CommandResult): string {
    expect(code).toBe(1);
    expect(stdout + stderr).not.toMatch(/geheim/);
    return stderr;
  }

  const serve = (...args: readonly string[]) =>
    holdfast(["serve", ...PORTS, "--allow-unsafe-database", "--database-url", url(), ...args]);

  describe("with a password from a file", () => {
    test("goes on with the new one after it was changed while the server ran, on every connection", async () => {
      const file = join(directory, "password");
      await setPassword("geheim-1");
      await writeFile(file, "geheim-1\n");
      await using server = await startServer({ databaseUrl: url(), args: ["--database-password-file", file] });
      await until(async () => (await readyz(server)).waiting === "notified");
      await claims(server);

      await setPassword("geheim-2");
      await cutOff();
      await until(async () => !(await readyz(server)).ready);
      await until(() => JSON.stringify(server.lines).includes('"28P01"'));
      await writeFile(file, "geheim-2\n");
      await until(async () => (await readyz(server)).ready);
      await until(async () => (await readyz(server)).waiting === "notified");
      await claims(server);
      expect(JSON.stringify(server.lines) + server.stderr()).not.toMatch(/geheim/);
    });

    test("is what migrate and admin use as well, for each placement from a file of its own", async () => {
      await setPassword("geheim-3");
      const file = join(directory, "{placement}");
      await writeFile(join(directory, "main"), "geheim-3");
      await writeFile(join(directory, "eu"), "geheim-3");
      const args = ["--database-url", url(), "--database-password-file", file];
      const placed = ["--placements", `eu=${cluster.url("eu", ROLE)}`];
      expect(await holdfast(["migrate", "status", ...args, ...placed])).toMatchObject({ code: 0, stderr: "" });
      expect(await holdfast(["admin", "recover", ...args])).toMatchObject({ code: 0, stderr: "" });
      await using server = await startServer({ databaseUrl: url(), args: [...args.slice(2), ...placed] });
      await until(async () => JSON.stringify(await readyz(server)).includes('"eu":"up"'));

      await rm(join(directory, "eu"));
      const refused = await holdfast(["migrate", "status", ...args, ...placed]);
      expect(refusal(refused)).toContain("--database-password-file cannot be read (ENOENT)");
      expect(refused.stdout).toContain("main: The schema is current.");
    });

    test("that is wrong, empty or not there ends a start at once", async () => {
      await setPassword("geheim-4");
      const [wrong, empty, none] = ["wrong", "empty", "none"].map((name) => join(directory, name)) as [
        string,
        string,
        string,
      ];
      await writeFile(wrong, "geheim-5");
      await writeFile(empty, "\n");
      const starts = await Promise.all([wrong, empty, none].map((file) => serve("--database-password-file", file)));
      expect(starts.map(refusal)).toEqual([
        expect.stringContaining(`password authentication failed for user "${ROLE}"`),
        expect.stringContaining("--database-password-file is empty"),
        expect.stringContaining("--database-password-file cannot be read (ENOENT)"),
      ]);
    });
  });

  describe("with a password from a command", () => {
    test("asks anew after a change, finds out for whom it is, and is run once for connections of the same time", async () => {
      await setPassword("geheim-6");
      const runs = join(directory, "runs");
      const secret = join(directory, "secret");
      await writeFile(secret, "geheim-6");
      const command = `echo "$HOLDFAST_PLACEMENT $PGUSER@$PGHOST:$PGPORT/$PGDATABASE" >>${runs}; cat ${secret}`;
      await using server = await startServer({ databaseUrl: url(), args: ["--database-password-command", command] });
      await until(async () => (await readyz(server)).waiting === "notified");
      const asked = (await readFile(runs, "utf8")).trim().split("\n");
      expect(new Set(asked)).toEqual(new Set([`main ${ROLE}@127.0.0.1:${cluster.port}/main`]));
      const [row] = await cluster.sql(`select count(*)::int as count from pg_stat_activity where usename = '${ROLE}'`);
      expect(asked.length).toBeLessThan(Number(row?.["count"]));

      await setPassword("geheim-7");
      await writeFile(secret, "geheim-7");
      await cutOff();
      await until(async () => (await readyz(server)).ready);
      await claims(server);
      expect(JSON.stringify(server.lines) + server.stderr()).not.toMatch(/geheim/);
    });

    test("that fails, prints nothing or too much ends a start at once, and nothing that it said is repeated", async () => {
      const starts = await Promise.all(
        ["echo geheim; echo geheim >&2; exit 3", "true", "yes geheim"].map((command) =>
          serve("--database-password-command", command),
        ),
      );
      expect(starts.map(refusal)).toEqual([
        expect.stringContaining("--database-password-command ended with 3; run it by hand to see what it says"),
        expect.stringContaining("--database-password-command printed nothing"),
        expect.stringContaining("--database-password-command printed more than 65536 bytes"),
      ]);
    });
  });
});

await describeWith(["postgres"], "an encrypted connection to the database", ({ postgres }) => {
  let cluster: Cluster;
  let authority: Authority;
  let directory: string;

  beforeAll(async () => {
    cluster = await createCluster(postgres);
    await makeDatabase(cluster, "main", { forPooler: false });
    authority = createAuthority("Of the database");
    await cluster.encrypt(authority.issue({ names: ["DNS:localhost"] }));
    await cluster.allow("hostssl all all 127.0.0.1/32 trust", "host all postgres 127.0.0.1/32 trust");
    await cluster.reload();
    directory = await mkdtemp(join(tmpdir(), "holdfast-infra-tls-"));
    await writeFile(join(directory, "ca.pem"), authority.caPem);
    await writeFile(join(directory, "other.pem"), createAuthority("Another").caPem);
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  const url = (host: string, query: string) =>
    `postgresql://${ROLE}@${host}:${cluster.port}/main${query.replaceAll("CA", join(directory, "ca.pem")).replaceAll("OTHER", join(directory, "other.pem"))}`;

  test.each([
    ["verify-full with its authority", "localhost", "?sslmode=verify-full&sslrootcert=CA"],
    ["require, which checks as much", "localhost", "?sslmode=require&sslrootcert=CA"],
    ["no-verify, which checks nothing", "127.0.0.1", "?sslmode=no-verify"],
    ["require as libpq has it, which checks nothing", "127.0.0.1", "?uselibpqcompat=true&sslmode=require"],
    [
      "verify-ca as libpq has it, which does not ask for the name",
      "127.0.0.1",
      "?uselibpqcompat=true&sslmode=verify-ca&sslrootcert=CA",
    ],
  ])("comes about with %s, for statements and notifications alike", async (_name, host, query) => {
    await using server = await startServer({ databaseUrl: url(host, query) });
    await until(async () => (await readyz(server)).waiting === "notified");
    const rows = await cluster.sql(
      `select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid) where usename = '${ROLE}'`,
    );
    expect(rows).toEqual([{ ssl: true }]);
  });

  test.each([
    ["another authority", "localhost", "?sslmode=verify-full&sslrootcert=OTHER", "certificate"],
    ["the authorities of Node", "localhost", "?sslmode=verify-full", "certificate"],
    ["another name", "127.0.0.1", "?sslmode=verify-full&sslrootcert=CA", "does not match certificate"],
    ["no encryption", "localhost", "?sslmode=disable", "no pg_hba.conf entry"],
    ["an authority that is not there", "localhost", "?sslmode=verify-full&sslrootcert=/nowhere.pem", "/nowhere.pem"],
  ])("is refused with %s, at once", async (_name, host, query, reason) => {
    const server = spawnServer({ databaseUrl: url(host, query), args: ["--database-wait", "1h"] });
    expect(await server.exited).toMatchObject({ code: 1 });
    expect(server.stderr()).toContain(reason);
  });

  test("is refused where the database offers none", async () => {
    await using plain = await createCluster(postgres);
    const databaseUrl = `${plain.url()}?sslmode=verify-full`;
    const server = spawnServer({ databaseUrl, args: ["--database-wait", "1h"] });
    expect(await server.exited).toMatchObject({ code: 1 });
    expect(server.stderr()).toContain("The server does not support SSL connections");
  });
});

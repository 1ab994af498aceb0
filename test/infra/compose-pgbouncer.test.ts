import { mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { newKey } from "../process/callers.ts";
import { holdfast, startServer } from "../process/server.ts";
import { connect, hold, until } from "../process/waiting-calls.ts";
import { createCluster, freePort } from "./support/cluster.ts";
import { openPlace, startProgram } from "./support/program-process.ts";
import { describeWith } from "./support/programs.ts";

const read = (path: string) => readFileSync(new URL(`../../deploy/compose/${path}`, import.meta.url), "utf8");

/** With signs that need care in addresses and nowhere else. */
const PASSWORD = "p@ss/w:rd";

await describeWith(["postgres", "pgbouncer"], "deploy/compose with its PgBouncer", (programs) => {
  test("servers with its settings start, and listen past the pooler", async () => {
    await using cluster = await createCluster(programs.postgres);
    await cluster.sql(`create role holdfast login password '${PASSWORD}'`);
    await cluster.sql("create database holdfast owner holdfast");
    await cluster.sql(read("pgbouncer/role-settings.sql"));
    await cluster.allow(
      "local all all trust",
      "host all postgres 127.0.0.1/32 trust",
      "host all all 127.0.0.1/32 scram-sha-256",
    );
    await cluster.reload();

    await using place = await openPlace("compose");
    const users = join(place.path, "users.txt");
    const port = await freePort();
    // Its names are those of containers.
    const ini = read("pgbouncer/pgbouncer.ini")
      .replace("host=postgres port=5432", `host=127.0.0.1 port=${cluster.port}`)
      .replace("listen_addr = *", "listen_addr = 127.0.0.1")
      .replace("listen_port = 6432", `listen_port = ${port}`)
      .replace("/etc/pgbouncer/users.txt", users);
    await writeFile(join(place.path, "pgbouncer.ini"), ini);
    const { configs } = parse(read("compose.pgbouncer.yaml"));
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose's.
    await writeFile(users, configs["pgbouncer-users"].content.replace("${POSTGRES_PASSWORD:-holdfast}", PASSWORD));
    await place.give();
    const options = { stopSignal: "TERM", account: place.account } as const;
    await using pooler = await startProgram(programs.pgbouncer, [join(place.path, "pgbouncer.ini")], options);
    await pooler.said(/process up/);

    using folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-compose-"));
    const passwordFile = join(folder.path, "password");
    writeFileSync(passwordFile, PASSWORD);
    const settings = {
      ...parse(read("compose.yaml"), { merge: true }).services["holdfast-1"].environment,
      ...parse(read("compose.pgbouncer.yaml"), { merge: true }).services["holdfast-1"].environment,
    };
    const env = Object.fromEntries(
      Object.entries(settings as Record<string, string>).map(([name, value]) => [
        name,
        value
          .replace("@postgres:5432", `@127.0.0.1:${cluster.port}`)
          .replace("@pgbouncer:6432", `@127.0.0.1:${port}`)
          .replace("/run/holdfast/postgres-password", passwordFile),
      ]),
    );
    const direct = { ...env, HOLDFAST_DATABASE_URL: env["HOLDFAST_LISTEN_URL"] ?? "" };
    expect(await holdfast(["migrate"], direct)).toMatchObject({ code: 0 });

    // fsync is off here, and the callers say nothing of who they are.
    const args = ["--allow-unsafe-database"];
    const { HOLDFAST_AUTH: _, ...open } = env;
    await using server = await startServer({ env: open, args });
    using caller = connect(server.grpc);
    await hold(caller, newKey());
    await until(async () => (await (await fetch(`${server.http}/readyz`)).text()).includes('"waiting":"notified"'));
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });
});

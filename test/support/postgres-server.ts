import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { homedir } from "node:os";
import { dirname } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { systemClock } from "../../src/clock.ts";
import { startEmbeddedPostgres } from "../../src/server/embedded-postgres.ts";
import { createDataDirectory, removeDirectoriesOfTheDead } from "./data-directory.ts";
import { removeLeftovers, removeRun } from "./leftovers.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A database on the run's server; tests make their own ones through database.ts. */
    readonly postgresUrl: string;
    /** Part of the name of every database that this run makes. */
    readonly postgresRun: string;
  }
}

interface Server {
  readonly url: string;
  /** What is printed, so that nobody has to guess what the tests ran on. */
  readonly description: string;
  stop(): Promise<void>;
}

interface Run {
  readonly id: string;
  readonly server: Server;
  /** Open as long as the run lasts: its application name tells other runs that our databases are in use. */
  readonly holder: pg.Client;
}

const containerImage = process.env["TEST_POSTGRES_IMAGE"] ?? "postgres:18";

// vitest loads this file once per project; both projects share one server through the process they run in.
const shared = globalThis as typeof globalThis & { holdfastPostgres?: { run: Promise<Run>; projects: number } };

export async function setup(project: TestProject): Promise<void> {
  shared.holdfastPostgres ??= { run: startRun(), projects: 0 };
  shared.holdfastPostgres.projects++;
  const { id, server } = await shared.holdfastPostgres.run;
  project.provide("postgresUrl", server.url);
  project.provide("postgresRun", id);
}

export async function teardown(): Promise<void> {
  const held = shared.holdfastPostgres;
  if (held === undefined || --held.projects > 0) return;
  delete shared.holdfastPostgres;
  const { id, server, holder } = await held.run;
  await removeRun(holder, id);
  await holder.end();
  await server.stop();
}

async function startRun(): Promise<Run> {
  const server = await acquireServer();
  const id = randomBytes(4).toString("hex");
  const holder = new pg.Client({ connectionString: server.url, application_name: `holdfast-test-run-${id}` });
  holder.on("error", (error) => print(`the connection that marks this test run broke: ${error.message}`));
  try {
    await holder.connect();
    const { rows } = await holder.query<{ server_version: string }>("show server_version");
    print(`tests use PostgreSQL ${rows[0]?.server_version} ${server.description}`);
    await removeLeftovers(holder);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { id, server, holder };
}

/** The first that there is: the one we are told of, a container, the binaries from npm. */
async function acquireServer(): Promise<Server> {
  const told = process.env["TEST_DATABASE_URL"];
  if (told) return { url: told, description: "from TEST_DATABASE_URL", stop: async () => {} };
  return (await startContainer()) ?? startEmbedded();
}

async function startContainer(): Promise<Server | undefined> {
  if (!(await dockerAnswers())) return undefined;
  try {
    const { PostgreSqlContainer } = await import("@testcontainers/postgresql");
    const container = await new PostgreSqlContainer(containerImage)
      .withCommand(["postgres", ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])])
      .withStartupTimeout(120_000)
      .start();
    return {
      url: container.getConnectionUri(),
      description: `in a container (${containerImage})`,
      stop: async () => {
        await container.stop();
      },
    };
  } catch (error) {
    print(`Docker answers, but no container starts: ${(error as Error).message}`);
    return undefined;
  }
}

async function startEmbedded(): Promise<Server> {
  await removeDirectoriesOfTheDead();
  const { path: dataDirectory, remove } = createDataDirectory();
  const log = {
    info: () => {},
    warn: (fields: object, message: string) => print(`${message} ${JSON.stringify(fields)}`),
  };
  const server = await startEmbeddedPostgres({ dataDirectory, log, clock: systemClock, ephemeral: true, settings });
  const stop = async () => {
    await server.stop();
    await remove();
  };
  return {
    url: server.url,
    description: `from the binaries that come through npm, in ${dirname(dataDirectory)}`,
    stop,
  };
}

/** Many test files, each with its pools, at once. */
const settings = { max_connections: "300" };

/** Whether a Docker daemon answers, where its clients look for one, within two seconds. A client alone is no daemon. */
async function dockerAnswers(): Promise<boolean> {
  const host = process.env["DOCKER_HOST"];
  const runtime = process.env["XDG_RUNTIME_DIR"];
  const hosts =
    host === undefined || host === ""
      ? [
          "unix:///var/run/docker.sock",
          `unix://${homedir()}/.docker/run/docker.sock`,
          ...(runtime === undefined ? [] : [`unix://${runtime}/docker.sock`]),
        ]
      : [host];
  return (await Promise.all(hosts.map(pings))).includes(true);
}

function pings(host: string): Promise<boolean> {
  const [scheme, rest = ""] = host.split("://");
  const [hostname, port] = rest.split(":");
  const address = scheme === "unix" ? { socketPath: rest } : { hostname, port: port ?? "2375" };
  return new Promise((resolve) => {
    const call = request({ ...address, path: "/_ping", signal: AbortSignal.timeout(2_000) }, (response) => {
      response.resume();
      resolve(response.statusCode !== undefined);
    });
    call.once("error", () => resolve(false));
    call.end();
  });
}

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}

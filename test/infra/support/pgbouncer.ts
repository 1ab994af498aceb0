import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, withPlainClient } from "./cluster.ts";
import type { Program } from "./packages.ts";
import { openPlace, type ProgramProcess, startProgram } from "./program-process.ts";

export type PoolMode = "session" | "transaction" | "statement";

export interface PgBouncer extends AsyncDisposable {
  /** To any database of the server behind it. */
  url(database: string, user?: string): string;
  /** A command of its console, such as RECONNECT. */
  command(text: string): Promise<readonly Record<string, unknown>[]>;
  /** Ends at once, with every connection, and starts anew. */
  restart(): Promise<void>;
  /** Leads to another server from now on; connections that are there stay until they are made to go. */
  pointTo(port: number): Promise<void>;
}

export interface PgBouncerOptions {
  readonly mode: PoolMode;
  /** Of the server behind it. */
  readonly port: number;
  readonly settings?: Readonly<Record<string, string | number>>;
}

export async function startPgBouncer(program: Program, options: PgBouncerOptions): Promise<PgBouncer> {
  const place = await openPlace("pgbouncer");
  const port = await freePort();
  const file = join(place.path, "pgbouncer.ini");
  const configure = async (behind: number) => {
    const settings = {
      listen_addr: "127.0.0.1",
      listen_port: port,
      unix_socket_dir: "",
      auth_type: "trust",
      auth_file: join(place.path, "users"),
      admin_users: "postgres",
      pool_mode: options.mode,
      max_client_conn: 500,
      default_pool_size: 10,
      server_login_retry: 0.2,
      ...options.settings,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    const databases = `[databases]\n* = host=127.0.0.1 port=${behind}\n`;
    await writeFile(file, `${databases}[pgbouncer]\n${lines.join("\n")}\n`);
    await place.give();
  };
  await writeFile(join(place.path, "users"), '"postgres" ""\n"holdfast" ""\n"app" ""\n');
  await configure(options.port);
  let server: ProgramProcess;
  const start = async () => {
    server = await startProgram(program, [file], { stopSignal: "TERM", account: place.account });
    await server.said(/process up/);
  };
  await start();
  const url = (database: string, user = "postgres") => `postgresql://${user}@127.0.0.1:${port}/${database}`;
  const command: PgBouncer["command"] = (text) =>
    withPlainClient(url("pgbouncer"), async (client) => (await client.query(text)).rows);
  return {
    url,
    command,
    async restart() {
      await server[Symbol.asyncDispose]();
      await start();
    },
    async pointTo(behind) {
      await configure(behind);
      await command("RELOAD");
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

import pg from "pg";
import { onTestFinished } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { identify, poll } from "../../src/server/embedded-postgres/process.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/server/embedded-postgres.ts";
import { createDataDirectory } from "./data-directory.ts";
import { type Holder, startHolder } from "./holder.ts";

/** A place for an embedded database, not made yet; gone, with its server, when the test is. */
export function directory(): string {
  const { path, remove } = createDataDirectory();
  onTestFinished(remove);
  return path;
}

/** A process that uses the directory's database, killed at the end of the test if it still runs. */
export function hold(dataDirectory: string, options: Parameters<typeof startHolder>[1] = {}): Holder {
  const holder = startHolder(dataDirectory, options);
  onTestFinished(holder.kill);
  return holder;
}

export function start(dataDirectory: string): Promise<EmbeddedPostgres> {
  const log = { info: () => {}, warn: () => {} };
  return startEmbeddedPostgres({ dataDirectory, log, clock: systemClock });
}

/** All values of all rows, one after the other. */
export async function query(url: string, text: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text, rowMode: "array" })).rows.flat();
  } finally {
    await client.end();
  }
}

/** Waits for a process that is on its way out; false when it is not. */
export async function ends(pid: number): Promise<boolean> {
  const look = async () => ((await identify(pid)) === undefined ? true : undefined);
  return (await poll(systemClock, { everyMs: 10, withinMs: 10_000 }, look)) ?? false;
}

import { rm } from "node:fs/promises";
import type { Clock } from "../../clock.ts";
import { makeTemporaryHome } from "../../server/embedded-postgres/data-directory.ts";
import { startEmbeddedPostgres } from "../../server/embedded-postgres.ts";

export interface Database extends AsyncDisposable {
  readonly url: string;
}

/**
 * Real Postgres in a directory of its own, which goes with it. As durable as any other while it lives: the figures would
 * not be worth much if nothing waited for the disk.
 */
export async function startDatabase(clock: Clock, note: (text: string) => void): Promise<Database> {
  await using started = new AsyncDisposableStack();
  const dataDirectory = await makeTemporaryHome("holdfast-demo-");
  started.defer(() => rm(dataDirectory, { recursive: true, force: true }));
  const log = { info() {}, warn: (_fields: unknown, message: string) => note(`database: ${message}`) };
  const postgres = await startEmbeddedPostgres({ dataDirectory, log, clock });
  started.defer(() => postgres.stop());
  const cleanup = started.move();
  return { url: postgres.url, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}

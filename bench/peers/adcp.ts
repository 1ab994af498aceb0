import type { Home, Peer } from "./peer.ts";
import { packageVersion, startLoadProcess } from "./processes.ts";

/** A library in the caller's process: SELECT, INSERT, upsert, one statement and one connection each. */
export async function startAdcp({ postgresUrl }: Home): Promise<Peer> {
  const version = `@adcp/sdk ${await packageVersion("@adcp/sdk")}, in process, 16 connections`;
  const load = await startLoadProcess("./adcp-load.ts", [postgresUrl]);
  return {
    version,
    arms: [
      {
        id: "adcp-unique-64",
        what: "@adcp/sdk: check + save, fresh key, 64 open",
        unit: "executions/s",
        run: (seconds) => load.run("unique", 64, seconds),
      },
      {
        id: "adcp-replay-64",
        what: "@adcp/sdk: check, ended key, 64 open",
        unit: "replays/s",
        run: (seconds) => load.run("replay", 64, seconds),
      },
    ],
    [Symbol.asyncDispose]: () => load[Symbol.asyncDispose](),
  };
}

import type { Home, Peer } from "./peer.ts";
import { packageVersion, startLoadProcess } from "./processes.ts";

/** A library in the caller's process: a workflow without steps writes its status row when it starts and when it ends. */
export async function startDbos({ postgresUrl }: Home): Promise<Peer> {
  const version = `DBOS Transact ${await packageVersion("@dbos-inc/dbos-sdk")}, in process, 20 connections`;
  const load = await startLoadProcess("./dbos-load.ts", [postgresUrl]);
  return {
    version,
    arms: [
      {
        id: "dbos-unique-64",
        what: "DBOS: fresh workflow id, 64 open",
        unit: "executions/s",
        run: (seconds) => load.run("unique", 64, seconds),
      },
      {
        id: "dbos-replay-64",
        what: "DBOS: id of an ended workflow, 64 open",
        unit: "replays/s",
        run: (seconds) => load.run("replay", 64, seconds),
      },
    ],
    [Symbol.asyncDispose]: () => load[Symbol.asyncDispose](),
  };
}

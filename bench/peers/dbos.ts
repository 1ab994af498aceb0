import type { Home, Peer } from "./peer.ts";
import { packageVersion, startLoadProcess } from "./processes.ts";

const CONNECTIONS = 50;

/** A library in the caller's process: a workflow without steps writes its status row when it starts and when it ends. */
export async function startDbos({ postgresUrl }: Home): Promise<Peer> {
  const version = `DBOS Transact ${await packageVersion("@dbos-inc/dbos-sdk")}, in process, ${CONNECTIONS} connections`;
  const load = await startLoadProcess("./dbos-load.ts", [postgresUrl, String(CONNECTIONS)]);
  return {
    version,
    arms: [
      ...[64, 256].map((width) => ({
        id: `dbos-unique-${width}`,
        what: `DBOS: fresh workflow id, ${width} open`,
        unit: "executions/s",
        run: (seconds: number) => load.run("unique", width, seconds),
      })),
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

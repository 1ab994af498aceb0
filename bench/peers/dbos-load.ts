import { randomUUID } from "node:crypto";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { Pool } from "pg";
import { closedLoop, REPLAYED_KEYS, RESULT } from "./peer.ts";
import { answerLoads } from "./processes.ts";

const CONNECTIONS = Number(process.argv[3]);

const work = DBOS.registerWorkflow(async (_amount: number) => RESULT, { name: "work" });
DBOS.setConfig({
  name: "peer",
  systemDatabasePool: new Pool({ connectionString: process.argv[2], max: CONNECTIONS }),
  logLevel: "error",
  listenQueues: [],
});
await DBOS.launch();

async function execute(workflowID: string): Promise<void> {
  const handle = await DBOS.startWorkflow(work, { workflowID })(4200);
  const result = await handle.getResult();
  if (result.id !== RESULT.id) throw new Error(`a workflow ended with ${JSON.stringify(result)}`);
}

const ended = Array.from({ length: REPLAYED_KEYS }, () => randomUUID());
await Promise.all(ended.map(execute));

answerLoads({
  unique: (width, seconds) => closedLoop(width, seconds, () => execute(randomUUID())),
  replay: (width, seconds) => closedLoop(width, seconds, (i) => execute(ended[i % ended.length] ?? "")),
});

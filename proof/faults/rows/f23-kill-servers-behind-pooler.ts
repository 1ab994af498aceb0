import { setTimeout as sleep } from "node:timers/promises";
import { pick } from "../../history/load/random.ts";
import type { Field, Row } from "../row.ts";
import type { StandServer } from "../stand/stand.ts";
import { slackMs } from "../witness/slack.ts";

/**
 * The usual load with kills of servers, through PgBouncer in transaction mode. Each statement may be run on another
 * connection than the one before it, so nothing may hang on a connection: no statement that was prepared, no setting.
 * Listeners go past it.
 */
export const killServersBehindPooler: Row = {
  id: "F23",
  fault: "kill -9 of a random server behind PgBouncer, again and again",
  stand: { pooler: true },
  times: { short: null, full: 60 },
  async inject(field) {
    const { stand, load, recorder, random, times, isFull, figure, say } = field;
    const refused = createRefusals();
    const backMs: number[] = [];
    for (let kills = 1; kills <= times; kills++) {
      const server = pick(random, stand.servers);
      await refused.note(server);
      await recorder.during({ mark: "server-down", server: server.address }, async () => {
        await server.kill();
        await server.start();
        const readyMs = performance.now();
        backMs.push((await load.firstSuccessAfter(readyMs, server.name)) - readyMs);
      });
      say(`${kills} of ${times} killed behind the pooler`);
      await sleep((isFull ? APART_MS.full : APART_MS.short) * (1 + random()));
    }
    for (const server of stand.servers) await refused.note(server);
    figure({ name: "kills", value: backMs.length, unit: "", must: { atLeast: times } });
    figure({
      name: "statements that a connection did not know",
      value: refused.count(),
      unit: "",
      must: { atMost: 0 },
    });
    figure({
      name: "served again after",
      value: Math.max(...backMs),
      unit: "ms",
      must: { atMost: BACK_MS_MAX + slackMs(field) },
    });
    await tellStand(field);
  },
  control: { kind: "mutant", mutant: "named-behind-pooler", fails: /statements that a connection did not know/ },
};

const APART_MS = { short: 400, full: 2_000 };
const BACK_MS_MAX = 1_000;

/** invalid_sql_statement_name, duplicate_prepared_statement, and "cached plan must not change result type" */
const UNKNOWN_TO_CONNECTION = ["26000", "42P05", "0A000"];

/** A server that is killed takes its counts with it. */
function createRefusals() {
  let total = 0;
  return {
    async note(server: StandServer) {
      for (const cause of UNKNOWN_TO_CONNECTION)
        total += await server.metric("holdfast_store_retries_total", { cause });
    },
    count: () => total,
  };
}

/** That the servers go through the pooler, and their listeners past it: else the row would prove nothing. */
async function tellStand({ stand, figure }: Field): Promise<void> {
  const { servers, pooler } = stand;
  if (pooler === null) throw new Error("bug: a pooler is needed");
  const clients = await pooler.command("show clients");
  const ours = clients.filter((client) => client["user"] === "holdfast").length;
  const isListening = await Promise.all(servers.map((server) => server.metric("holdfast_listener_up")));
  figure({ name: "connections to the pooler", value: ours, unit: "", must: { atLeast: servers.length } });
  figure({
    ...{ name: "servers that are notified", value: isListening.filter((up) => up === 1).length, unit: "" },
    must: { atLeast: servers.length },
  });
}

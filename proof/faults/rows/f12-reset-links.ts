import { setTimeout as sleep } from "node:timers/promises";
import { startLibraryUsers } from "../load/library.ts";
import type { Field, Row } from "../row.ts";
import type { StandServer } from "../stand/stand.ts";
import { slackMs } from "../witness/slack.ts";
import { spreadOf } from "../witness/spread.ts";

/**
 * Every connection to the database is reset every three seconds, of all servers at once, statements under way and the
 * listeners' among them. Each is opened anew and what was under way is sent once more, before its caller is told anything.
 *
 * How many calls are answered without their caller's help is told and not judged: a server lets a call wait for 250 ms for
 * a connection, and to open those of three servers at once takes two busy processors longer than that. Whoever calls
 * through the client notices nothing.
 */
export const resetLinks: Row = {
  id: "F12",
  fault: "every link to the database is reset every 3 s",
  times: { short: 2, full: 100 },
  unjudged: ["V5"],
  async inject(field) {
    const { stand, load, recorder, scope, figure, say } = field;
    const users = startLibraryUsers({ stand, recorder, scope });
    const retriedBefore = await retried(stand.servers);
    const [recoveries, shares]: [number[], number[]] = [[], []];
    for (let i = 1; i <= field.times; i++) {
      const resetMs = performance.now();
      await recorder.during({ mark: "trouble" }, async () => {
        for (const { database, listener } of stand.servers) {
          database.cut();
          listener.cut();
        }
        const firsts = await Promise.all(stand.servers.map(({ name }) => load.firstSuccessAfter(resetMs, name)));
        recoveries.push(Math.max(...firsts) - resetMs);
      });
      await sleep(Math.max(0, EVERY_MS - (performance.now() - resetMs)));
      const { answered, failed } = load.latencies({ fromMs: resetMs, toMs: performance.now() });
      shares.push((100 * answered) / Math.max(1, answered + failed));
      if (i % 10 === 0) say(`links reset ${i} times of ${field.times}`);
    }
    await users.stop();
    for (const failure of users.failures.slice(0, 3)) say(failure);
    figure({ name: "work done through the client", value: users.done, unit: "", must: { atLeast: 1 } });
    figure({ name: "its work that failed", value: users.failures.length, unit: "", must: { atMost: 0 } });
    tell(field, recoveries, shares, (await retried(stand.servers)) - retriedBefore);
  },
  // Either alone is made up for by the other within the patience of those who wait.
  control: { kind: "mutant", mutant: "no-notify+no-backstop", fails: /V5: \d+ of/ },
};

const EVERY_MS = 3_000;
const RECOVERED_MS_MAX = 2_000;

function tell(field: Field, recoveries: readonly number[], shares: readonly number[], batches: number): void {
  const { figure } = field;
  const { p50, max } = spreadOf(recoveries);
  figure({ name: "batches sent once more by the servers", value: batches, unit: "", must: { atLeast: 1 } });
  figure({ name: "all servers answer again, p50", value: p50, unit: "ms" });
  figure({
    name: "all servers answer again, max",
    value: max,
    unit: "ms",
    must: { atMost: RECOVERED_MS_MAX + slackMs(field) },
  });
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  figure({ name: "calls answered at the first try", value: mean, unit: "%" });
}

async function retried(servers: readonly StandServer[]): Promise<number> {
  const each = await Promise.all(servers.map((server) => server.metric("holdfast_store_retries_total")));
  return each.reduce((sum, value) => sum + value, 0);
}

import { setTimeout as pause } from "node:timers/promises";
import { startLibraryUsers } from "../load/library.ts";
import type { Row } from "../row.ts";

const APART_MS = 1_000;
const DOWN_MS = 300;

/** Nothing is told that it is to end: what was acknowledged is what had reached the operating system. */
export const killPostgres: Row = {
  id: "F06",
  fault: "kill -9 of Postgres and all its processes, and its start",
  times: { short: 2, full: 30 },
  async inject({ stand, load, recorder, random, scope, times, figure, say }) {
    const users = startLibraryUsers({ stand, recorder, scope });
    const servedMs: number[] = [];
    for (let kills = 1; kills <= times; kills++) {
      await recorder.during({ mark: "database-crash" }, async () => {
        await stand.primary.stop("kill");
        await pause(DOWN_MS * random());
        await stand.primary.start();
        const readyMs = performance.now();
        const served = await Promise.all(stand.servers.map(({ name }) => load.firstSuccessAfter(readyMs, name)));
        servedMs.push(Math.max(...served) - readyMs);
      });
      say(`${kills} of ${times} killed`);
      await pause(APART_MS * random());
    }
    await users.stop();
    const { failures, done, unanswered } = users;
    for (const failure of failures.slice(0, 3)) say(failure);
    figure({ name: "kills", value: servedMs.length, unit: "", must: { atLeast: times } });
    figure({ name: "all servers served again after", value: Math.max(...servedMs), unit: "ms" });
    figure({ name: "work done through the client", value: done, unit: "", must: { atLeast: 1 } });
    figure({ name: "its calls without an answer", value: unanswered, unit: "calls", must: { atLeast: 1 } });
    figure({ name: "its work that failed", value: failures.length, unit: "", must: { atMost: 0 } });
  },
  control: { kind: "mutant", mutant: "M9", fails: /V[37]|porcupine/ },
};

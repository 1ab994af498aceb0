import { setTimeout as pause } from "node:timers/promises";
import { pick } from "../../history/load/random.ts";
import type { Row } from "../row.ts";

const APART_MS = 1_000;
/** Bounded where nothing else runs on the machine. */
const SERVED_MS_MAX = 2_000;

/** Postgres restarts all its processes when one of them dies; what was not flushed is lost, and every session with it. */
export const killBackends: Row = {
  id: "F05",
  fault: "kill -9 of one backend of Postgres, after which it restarts all of them",
  times: { short: 3, full: 50 },
  async inject({ stand, load, recorder, random, times, isFull, figure, say }) {
    const servedMs: number[] = [];
    let barriers = 0;
    for (let crashes = 1; crashes <= times; crashes++) {
      const [row] = await stand.primary.sql("select pg_current_wal_flush_lsn() as lsn");
      await recorder.during({ mark: "database-crash" }, async () => {
        await stand.primary.crash(pick(random, await stand.primary.backends()));
        const readyMs = performance.now();
        const served = await Promise.all(stand.servers.map(({ name }) => load.firstSuccessAfter(readyMs, name)));
        servedMs.push(Math.max(...served) - readyMs);
      });
      // Each server has answered since, so each has written its own before.
      if ((await stand.primary.barriersSince(String(row?.["lsn"]))) >= stand.servers.length) barriers++;
      say(`${crashes} of ${times} crashes`);
      await pause(APART_MS * random());
    }
    figure({ name: "crashes", value: servedMs.length, unit: "", must: { atLeast: times } });
    figure({ name: "after which every server wrote its barrier", value: barriers, unit: "", must: { atLeast: times } });
    const slowest = { name: "all servers served again after", value: Math.max(...servedMs), unit: "ms" };
    figure(isFull ? { ...slowest, must: { atMost: SERVED_MS_MAX } } : slowest);
  },
  control: { kind: "mutant", mutant: "M9", fails: /V[37]|porcupine/ },
};

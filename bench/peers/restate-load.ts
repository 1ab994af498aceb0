import { randomUUID } from "node:crypto";
import { Pool } from "undici";
import { closedLoop } from "./peer.ts";
import { answerLoads } from "./processes.ts";

const [, , origin = "", path = "", prefix = "", replayed = ""] = process.argv;
const body = JSON.stringify({ order: "o-1", amount: 4200, currency: "eur" });

const pool = new Pool(origin, { connections: 256, pipelining: 1, keepAliveTimeout: 60_000 });

async function call(key: string): Promise<void> {
  const headers = { "content-type": "application/json", "idempotency-key": key };
  const answer = await pool.request({ method: "POST", path, headers, body });
  await answer.body.dump();
  if (answer.statusCode !== 200) throw new Error(`Restate answered ${answer.statusCode}`);
}

const ended = (i: number) => `${prefix}${i % Number(replayed)}`;

answerLoads({
  /** Calls that end, for the replays of them. */
  async prepare(width) {
    for (let i = 0; i < Number(replayed); i += width) {
      await Promise.all(Array.from({ length: width }, (_, j) => call(ended(i + j))));
    }
    return { perSecond: Number.NaN, p50Ms: Number.NaN, p99Ms: Number.NaN };
  },
  unique: (width, seconds) => closedLoop(width, seconds, () => call(randomUUID())),
  replay: (width, seconds) => closedLoop(width, seconds, (i) => call(ended(i))),
});

import { randomUUID } from "node:crypto";
import { createIdempotencyStore, getIdempotencyMigration, pgBackend } from "@adcp/sdk/server";
import { Pool } from "pg";
import { closedLoop, REPLAYED_KEYS, RESULT } from "./peer.ts";
import { answerLoads } from "./processes.ts";

const CONNECTIONS = 16;

const pool = new Pool({ connectionString: process.argv[2], max: CONNECTIONS });
await pool.query(getIdempotencyMigration());
const store = createIdempotencyStore({ backend: pgBackend(pool) });
const principal = "buyer";
const payload = { order: "o-1", amount: 4200, currency: "eur" };

async function execute(key: string): Promise<void> {
  const checked = await store.check({ principal, key, payload });
  if (checked.kind !== "miss") throw new Error(`a fresh key was answered ${checked.kind}`);
  await store.save({ principal, key, payloadHash: checked.payloadHash, response: RESULT });
}

async function replay(key: string): Promise<void> {
  const checked = await store.check({ principal, key, payload });
  if (checked.kind !== "replay") throw new Error(`an ended key was answered ${checked.kind}`);
}

const ended = Array.from({ length: REPLAYED_KEYS }, () => randomUUID());
await Promise.all(ended.map(execute));

answerLoads({
  unique: (width, seconds) => closedLoop(width, seconds, () => execute(randomUUID())),
  replay: (width, seconds) => closedLoop(width, seconds, (i) => replay(ended[i % ended.length] ?? "")),
});

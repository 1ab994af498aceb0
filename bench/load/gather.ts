import { systemClock as clock } from "../../src/clock.ts";
import type { BenchClient } from "./client-process.ts";

/** Who comes at once. */
const STEP = 1_000;
const LOOK_MS = 25;
const LOOKS_MAX = 800;

/**
 * Has so many come to wait for what the client holds, a thousand after the other.
 *
 * @param waiting how many wait at the server
 * @throws when they do not
 */
export async function gather(client: BenchClient, waiters: number, waiting: () => Promise<number>): Promise<void> {
  for (let come = STEP; come <= waiters; come += STEP) {
    const { lost } = await client.do({ kind: "join", waiters: STEP });
    if (lost !== undefined) throw new Error(`somebody who waited does not any more: ${lost}`);
    await until(come, waiting);
  }
}

async function until(wanted: number, waiting: () => Promise<number>): Promise<void> {
  let there = 0;
  for (let look = 0; look < LOOKS_MAX; look++) {
    there = await waiting();
    if (there === wanted) return;
    await clock.sleep(LOOK_MS);
  }
  throw new Error(`${there} wait where ${wanted} should`);
}

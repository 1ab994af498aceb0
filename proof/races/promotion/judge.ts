import { systemClock } from "../../../src/clock.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Scene } from "../race.ts";
import { NEVER } from "../stand/records.ts";
import type { Server } from "../stand/server.ts";
import type { Gone } from "./callers.ts";

/** Whoever calls about one record. */
export interface Calls {
  readonly key: RecordKey;
  readonly leaver: Promise<Gone>;
  /** The same caller, with the same claim id, on the other server; null: it does not come again. */
  readonly again: Promise<Gone | null>;
  /** Waits all the time. */
  readonly stayer: Promise<Gone>;
}

export interface Went {
  readonly leaver: Gone;
  readonly again: Gone | null;
  readonly stayer: Gone;
}

/** Null: somebody waits for ever. */
export async function judge(scene: Scene, server: Server, calls: Calls): Promise<Went | null> {
  const { tally, patienceMs } = scene;
  const { key, leaver, again, stayer } = calls;
  const went = await withinMs(patienceMs, Promise.all([leaver, again, stayer]));
  if (went === null) {
    tally.violate(`${key.key}: somebody still waits ${patienceMs} ms after the lease could have been given back`);
    return null;
  }
  const [left, came, stayed] = went;
  const all = [left, came, stayed].filter((one) => one !== null);
  if (all.some(({ attempt }) => attempt > 1)) {
    tally.violate(`${key.key}: a lease that was given back counts as an attempt. ${telling(all)}`);
  }
  if (all.some(({ wasAccepted }) => wasAccepted === false)) {
    tally.violate(`${key.key}: who was told of its lease could not end the record. ${telling(all)}`);
  }
  if (all.filter(({ wasAccepted }) => wasAccepted === true).length !== 1) {
    tally.violate(`${key.key}: not exactly one has ended the record. ${telling(all)}`);
  }
  const { record } = await server.dying.peek(key, NEVER);
  if (record?.state !== "completed") tally.violate(`${key.key}: it is left ${record?.state}. ${telling(all)}`);
  return { leaver: left, again: came, stayer: stayed };
}

function telling(all: readonly Gone[]): string {
  return all.map(({ going, attempt }) => `${going}, attempt ${attempt}`).join("; ");
}

async function withinMs<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const over = new AbortController();
  const late = systemClock.sleep(ms, over.signal).then(
    () => null,
    () => null,
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}

import type { StoredRecord } from "../../../src/domain/record.ts";
import type { Scene } from "../race.ts";
import { holdAll } from "../stand/records.ts";
import { until } from "../stand/rows.ts";
import { judge, type Went } from "./judge.ts";
import { comeAgain, release, type Stage, type Waiting, waitBoth } from "./trials.ts";

/** An order of events that is brought about by holding the promoted call's server in between. */
export interface Row {
  readonly name: string;
  play(trial: Trial): Promise<Went | null>;
  /** Whether it really went this way. */
  isHit(went: Went): boolean;
}

export interface Trial {
  readonly scene: Scene;
  readonly stage: Stage;
  readonly record: StoredRecord;
  readonly waiting: Waiting;
}

export const ROWS: readonly Row[] = [
  {
    name: "the caller leaves when its claim is about to be sent",
    play: (trial) => leaveAt("before", trial),
    isHit: ({ leaver, stayer }) => leaver.going === "left-under-way" && stayer.going === "answered",
  },
  {
    name: "the caller leaves when its claim has committed",
    play: (trial) => leaveAt("after", trial),
    isHit: ({ leaver, stayer }) => leaver.going === "left-under-way" && stayer.going === "answered",
  },
  {
    name: "the caller comes again before its lease is given back, and keeps it",
    play: (trial) => comeAgainAt("before", trial),
    isHit: ({ again }) => again?.going === "answered",
  },
  {
    name: "the caller comes again when its lease has been given back, and is told so",
    play: (trial) => comeAgainAt("after", trial),
    isHit: ({ again, stayer }) => again?.going === "claim-ended" && stayer.going === "answered",
  },
];

const AT_ONCE = 100;

/** How many went so. */
export async function force(row: Row, scene: Scene, stage: Stage): Promise<number> {
  let hits = 0;
  for (let left = scene.forced; left > 0 && !scene.tally.isOver; left -= AT_ONCE) {
    const records = await holdAll(stage.b.dying, Math.min(AT_ONCE, left));
    // Both on one server, or the other's might come first.
    const waiting = records.map((record) => waitBoth(record, stage.a, stage.a));
    await until(() => stage.a.hub.status().waiters === 2 * records.length);
    const all = records.map(async (record, i) => {
      const went = await row.play({ scene, stage, record, waiting: waiting[i] as Waiting });
      if (went !== null && row.isHit(went)) hits++;
    });
    await Promise.all(all);
  }
  return hits;
}

/** @param where its claim has not been sent, or has committed */
async function leaveAt(where: "before" | "after", { scene, stage, record, waiting }: Trial): Promise<Went | null> {
  const stop = stage.a.stops.stop(where, "claim", record.key);
  await release(stage.b, record);
  await stop.reached;
  waiting.caller.leave();
  stop.go();
  return judge(scene, stage.a, { ...waiting, key: record.key, again: Promise.resolve(null) });
}

/** @param where the give-back has not been sent, or has committed and nobody was woken */
async function comeAgainAt(where: "before" | "after", { scene, stage, record, waiting }: Trial): Promise<Went | null> {
  const { a, b } = stage;
  const { key } = record;
  const claim = a.stops.stop("after", "claim", key);
  const unsent = a.stops.stop("before", "finish", key);
  const unknown = a.stops.stop("after", "finish", key);
  await release(b, record);
  await claim.reached;
  waiting.caller.leave();
  claim.go();
  await unsent.reached;
  if (where === "after") {
    unsent.go();
    await unknown.reached;
  }
  const again = comeAgain(b, key, async () => {
    // Holds the lease; what was to give it back comes only now.
    unsent.go();
    await unknown.reached;
  });
  if (where === "after") await again;
  unknown.go();
  return judge(scene, a, { ...waiting, key, again });
}

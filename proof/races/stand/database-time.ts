import { systemClock } from "../../../src/clock.ts";
import type { Instant } from "../../../src/domain/instant.ts";
import type { Session } from "../../../src/store/postgres/connection.ts";

/** Resolves at this instant of the database's clock, as nearly as a timer can; at once when it has passed. */
export type At = (instant: Instant) => Promise<void>;

const LOOKS = 20;

/** Both clocks are this machine's, so they run alike; how far apart they are is as certain as the quickest look was short. */
export async function databaseTime(session: Session): Promise<At> {
  let apartMs = 0;
  let quickestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < LOOKS; i++) {
    const askedMs = systemClock.monotonicMs();
    const [row] = await session.query<{ now: Instant }>(NOW, []);
    const tookMs = systemClock.monotonicMs() - askedMs;
    if (row === undefined) throw new Error("bug: no time in an answer");
    if (tookMs >= quickestMs) continue;
    quickestMs = tookMs;
    apartMs = row.now / 1000 - (askedMs + tookMs / 2);
  }
  return (instant) => systemClock.sleep(instant / 1000 - apartMs - systemClock.monotonicMs());
}

const NOW = { name: "race_now", text: "select clock_timestamp() as now" };

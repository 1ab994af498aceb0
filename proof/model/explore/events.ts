import { addMs } from "../../../src/domain/instant.ts";
import { isForgotten } from "../../../src/domain/record.ts";
import { decideFinish } from "../../../src/domain/reducer/finish.ts";
import { forgedCall, LEASE_MS } from "./calls.ts";
import { NO_ENTRY, type Rules, type Step, spend, type World, withRecord } from "./world.ts";

/** By which every lease that was not renewed is over, a reattached one too. */
const TICK_MS = LEASE_MS + 0.01;

/** What nobody has asked for. */
export function events(world: World, rules: Rules): Step[] {
  return [...tick(world), ...crashes(world), ...sweeps(world, rules), ...forgeries(world, rules)];
}

function tick(world: World): Step[] {
  if (world.left.ticks === 0 || world.records.every((record) => record === null)) return [];
  return [{ words: ["a lease's time passes"], next: { ...spend(world, "ticks"), now: addMs(world.now, TICK_MS) } }];
}

/** At any point: between a commit and its NOTIFY too. It comes back with nothing. */
function crashes(world: World): Step[] {
  if (world.left.crashes === 0) return [];
  return world.entries.flatMap((row, server) => {
    const calls = world.calls.filter(({ at }) => at !== server);
    const isIdle = calls.length === world.calls.length && row.every(({ at }) => at === "off");
    if (isIdle) return [];
    const entries = world.entries.with(
      server,
      row.map(() => NO_ENTRY),
    );
    return [{ words: ["server", server + 1, "dies"], next: { ...spend(world, "crashes"), calls, entries } }];
  });
}

/** The sweeper deletes what is past its tombstone, and keeps its fence. */
function sweeps(world: World, { scenario, mutant }: Rules): Step[] {
  if (!scenario.sweeps) return [];
  return world.records.flatMap((record, key) => {
    if (record === null) return [];
    const isHeld = mutant === "M15" && record.state === "in-progress";
    if (!isForgotten(record, world.now) && !isHeld) return [];
    const { fence } = record.lease;
    const floor = mutant === "no-floor" || fence <= world.floor ? world.floor : fence;
    return [{ words: ["the sweeper deletes key", key + 1], next: { ...withRecord(world, key, null), floor } }];
  });
}

/** Somebody downstream, who was shown the fence, makes up a token and ends the record. */
function forgeries(world: World, rules: Rules): Step[] {
  return world.records.flatMap((record, key) => {
    if (record === null) return [];
    const { next } = decideFinish(record, forgedCall(rules, key, record), world.now);
    return next === null ? [] : [{ words: ["a stranger ends key", key + 1], next: withRecord(world, key, next) }];
  });
}

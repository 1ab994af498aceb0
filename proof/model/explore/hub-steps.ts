import { hasEnded, type StoredRecord } from "../../../src/domain/record.ts";
import { decideClaim } from "../../../src/domain/reducer/claim.ts";
import { claimCallOf } from "./calls.ts";
import { hears } from "./telling.ts";
import { ringAt } from "./wake-ups.ts";
import {
  type Call,
  clientOf,
  type Entry,
  NO_ENTRY,
  noteOf,
  type Rules,
  recordOf,
  type Step,
  type World,
  withClient,
  withEntry,
  withRecord,
} from "./world.ts";

/** What hubs do: src/waiting/entry.ts, one turn at a time. */
export function hubSteps(world: World, rules: Rules): Step[] {
  return world.entries.flatMap((row, server) =>
    row.flatMap((entry, key) => [...turn(world, rules, entry, server, key), ...arrivals(world, rules, server, key)]),
  );
}

function turn(world: World, rules: Rules, entry: Entry, server: number, key: number): Step[] {
  const at = ["the hub of server", server + 1];
  switch (entry.at) {
    case "off":
    case "claim":
      return [];
    case "peek":
      return [peek(world, server, key, at)];
    case "rest": {
      const isDue = timerRings(world, rules, entry);
      const isRead = entry.rung || isDue || polls(rules);
      return isRead ? [peek(world, server, key, isDue ? [...at, "at the timer"] : at)] : [];
    }
    case "hear":
      return hear(world, rules, entry, server, key, at);
    case "watch":
      return [watch(world, rules, entry, server, key, at)];
  }
}

/** At the time at which what was read last lapses or is due. */
function timerRings({ now }: World, { mutant }: Rules, { seen, seenAt }: Entry): boolean {
  return mutant !== "no-timer" && seen !== null && !hasEnded(seen) && seen.due > seenAt && seen.due <= now;
}

/** One reading for all who wait. What rings from here on makes it read again. */
function peek(world: World, server: number, key: number, at: readonly unknown[]): Step {
  const entry = { at: "hear", rung: false, seen: recordOf(world, key), seenAt: world.now } as const;
  return { words: [...at, "reads key", key + 1], next: withEntry(world, server, key, entry) };
}

/**
 * The reducer says of the reading what the store would have said of each waiter's claim: whom that answers is answered,
 * and of those who could have the record one submits its claim, its owner first. Any of them, not the oldest: more can
 * happen than does.
 */
function hear(world: World, rules: Rules, entry: Entry, server: number, key: number, at: readonly unknown[]): Step[] {
  const waiting = waitersAt(world, server, key);
  const verdicts = waiting.map((call) => ({ call, verdict: verdictOf(world, rules, entry, call) }));
  const wishes = verdicts.filter(({ verdict }) => verdict === "claim").map(({ call }) => call);
  const answered = verdicts.filter(({ verdict }) => verdict !== "claim" && verdict !== "in-progress");
  const told = answered.reduce((after, { call, verdict }) => answer(after, call, verdict, entry.seen), world);
  if (wishes.length > 0) {
    const owners = wishes.filter(({ by, nonce }) => entry.seen?.claimId === `${by}.${nonce}`);
    return (owners.length > 0 ? owners : wishes).map((call) => ({
      words: [...at, "submits the claim of client", call.by + 1],
      next: promote(withEntry(told, server, key, { ...entry, at: "claim", seen: null, seenAt: 0 }), call),
    }));
  }
  const words = [...at, answered.length > 0 ? "answers those who wait for key" : "thinks about key", key + 1];
  return [{ words, next: withEntry(told, server, key, afterHearing(entry, waiting.length > answered.length)) }];
}

function afterHearing(entry: Entry, someoneStays: boolean): Entry {
  if (!someoneStays) return NO_ENTRY;
  if (entry.rung) return { ...NO_ENTRY, at: "peek" };
  return { ...entry, at: entry.seen?.hasWaiters === true ? "rest" : "watch" };
}

export function waitersAt(world: World, server: number, key: number): readonly Call[] {
  return world.calls.filter(({ step, at, by }) => step === "wait" && at === server && clientOf(world, by).key === key);
}

/** "claim", or what it is told. */
function verdictOf(world: World, rules: Rules, { seen, seenAt }: Entry, call: Call): string {
  const { answer, next } = decideClaim(seen, claimCallOf(rules, world, call), seenAt, 0n);
  if (next !== null) return "claim";
  return answer.kind === "fault" ? answer.code : answer.kind;
}

function answer(world: World, call: Call, out: string, seen: StoredRecord | null): World {
  const without = { ...world, calls: world.calls.filter((other) => other !== call) };
  const isHeard = clientOf(world, call.by).turn === call.turn;
  return isHeard ? withClient(without, call.by, hears(world, { ...call, out, seen })) : without;
}

function promote(world: World, call: Call): World {
  const promoted: Call = { ...call, step: "read", promoted: true };
  return { ...world, calls: world.calls.map((other) => (other === call ? promoted : other)) };
}

/** watch.sql: flags an open record that still is as it was read; otherwise it is read again. */
function watch(
  world: World,
  { mutant }: Rules,
  entry: Entry,
  server: number,
  key: number,
  at: readonly unknown[],
): Step {
  const stored = recordOf(world, key);
  const isAsRead = stored !== null && !hasEnded(stored) && isSame(stored, entry.seen);
  if (stored === null || stored.hasWaiters || !(isAsRead || mutant === "M6")) {
    const again = withEntry(world, server, key, { ...NO_ENTRY, at: "peek" });
    return { words: [...at, "finds nothing to flag of key", key + 1], next: again };
  }
  const flagged = withRecord(world, key, { ...stored, hasWaiters: true });
  const next: Entry = entry.rung ? { ...NO_ENTRY, at: "peek" } : { ...entry, at: "rest" };
  return { words: [...at, "flags key", key + 1], next: withEntry(flagged, server, key, next) };
}

/**
 * Whether an entry that rests knows the record as it is, by time too, or will be rung by its timer, or by the backstop.
 */
export function knows(world: World, rules: Rules, entry: Entry, record: StoredRecord | null): boolean {
  if (polls(rules) || timerRings(world, rules, entry)) return true;
  if (!isSame(entry.seen, record) || entry.seen === null || record === null) return record === entry.seen;
  return hasEnded(record) || record.due > world.now || entry.seen.due <= entry.seenAt;
}

function polls({ scenario, mutant }: Rules): boolean {
  return scenario.backstop && mutant !== "no-backstop";
}

export function isSame(a: StoredRecord | null, b: StoredRecord | null): boolean {
  return a === null || b === null ? a === b : a.state === b.state && a.lease.fence === b.lease.fence;
}

function arrivals(world: World, rules: Rules, server: number, key: number): Step[] {
  const note = noteOf(server, key);
  if (!world.notes.includes(note)) return [];
  const without = { ...world, notes: world.notes.filter((other) => other !== note) };
  const arrives = {
    words: ["a notification of key", key + 1, "arrives at server", server + 1],
    next: ringAt(without, rules, server, key),
  };
  const isLost = { words: ["a notification of key", key + 1, "to server", server + 1, "is lost"], next: without };
  return rules.scenario.notesGetLost ? [arrives, isLost] : [arrives];
}

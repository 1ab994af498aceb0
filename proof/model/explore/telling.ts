import type { StoredRecord } from "../../../src/domain/record.ts";
import { clientOfId } from "./calls.ts";
import { notifyAll, ringAt } from "./wake-ups.ts";
import {
  type Call,
  type Client,
  clientOf,
  entryOf,
  NO_ENTRY,
  type Rules,
  START,
  type World,
  withCall,
  withClient,
  withEntry,
} from "./world.ts";

/**
 * After the commit: what changed wakes this server's waiters, and everybody's if it was flagged; see
 * src/waiting/waking-store.ts. Then the caller is answered, or goes on waiting in the hub.
 */
export function tell(world: World, rules: Rules, call: Call): World {
  const { key } = clientOf(world, call.by);
  const woken = hasChanged(call, rules) ? wake(world, rules, call, key) : world;
  const entry = entryOf(woken, call.at, key);
  const stays = staysToWait(call, rules);
  if (call.promoted) {
    const learnt = { ...entry, at: "hear", seen: call.seen, seenAt: call.seenAt } as const;
    return settleCall(withEntry(woken, call.at, key, learnt), call, stays);
  }
  if (!stays) return settleCall(woken, call, false);
  // In the map before any reading.
  const joined = entry.at === "off" ? ({ ...NO_ENTRY, at: "peek" } as const) : { ...entry, rung: true };
  return settleCall(withEntry(woken, call.at, key, joined), call, true);
}

/** Whether anybody has to hear of it. The mutant has said it before. */
export function hasChanged({ out, what }: Call, { mutant }: Pick<Rules, "mutant">): boolean {
  if (what !== "claim") return (out === "ended" || out === "already") && mutant !== "M7";
  return out === "acquired" || out === "settled";
}

function wake(world: World, rules: Rules, call: Call, key: number): World {
  const rung = ringAt(world, rules, call.at, key);
  return call.seen?.hasWaiters === true ? notifyAll(rung, key) : rung;
}

/**
 * Such an answer can be told at once: that it comes late is no different from a client that is slow to hear it, and that
 * it is lost no different from a call that was lost before it came. A lease that was extended is another matter.
 */
export function isForCallerAlone(call: Call, rules: Rules): boolean {
  if (call.step !== "tell" || call.promoted || call.out === "reattached") return false;
  return !hasChanged(call, { mutant: null }) && !staysToWait(call, rules);
}

function staysToWait({ what, out, by }: Call, { scenario }: Rules): boolean {
  return scenario.waits && what === "claim" && out === "in-progress" && scenario.intents[by] === "execute";
}

function settleCall(world: World, call: Call, stays: boolean): World {
  if (stays) {
    return withCall(world, call, {
      ...call,
      step: "wait",
      out: "",
      seen: null,
      seenAt: START,
      promoted: false,
      granted: null,
    });
  }
  const isHeard = isNewest(world, call);
  const heard = isHeard ? withClient(world, call.by, hears(world, call)) : world;
  const isGhosts = !isHeard && call.promoted && call.out === "acquired";
  const giveBack = { ...call, what: "give-back", step: "commit", seen: null, out: "", promoted: false } as const;
  return withCall(heard, call, isGhosts ? giveBack : null);
}

function isNewest(world: World, { by, turn, what }: Call): boolean {
  const { turn: newest, doing } = clientOf(world, by);
  if (turn !== newest) return false;
  return doing === (what === "claim" ? "claiming" : "ending");
}

/** What a client makes of its answer. */
export function hears(world: World, { by, what, out, seen }: Call): Partial<Client> {
  const { end } = clientOf(world, by);
  if (what === "claim") {
    if (out === "acquired" || out === "reattached") return { doing: "holding", told: out, lease: seen?.lease ?? null };
    if (out === "in-progress") return { doing: "idle", told: seen !== null && isOwn(seen, by) ? TOLD_OF_ITSELF : out };
    // It never held the lease, so it may claim once more, under a new claim_id.
    if (out === "CLAIM_ENDED") return { doing: "idle", told: out, nonce: clientOf(world, by).nonce + 1 };
    const replay = out === "completed" && seen !== null ? { outcome: seen.outcome, fence: seen.lease.fence } : null;
    return { doing: "done", told: out, replay };
  }
  const isAcknowledged = (out === "ended" || out === "already") && end === "complete";
  return { doing: "done", told: out, acknowledgedUntil: isAcknowledged && seen !== null ? seen.due : null };
}

function isOwn({ claimId }: StoredRecord, client: number): boolean {
  return clientOfId(claimId) === client;
}

/** Somebody is told that another is at work, who is this one itself: it would wait for its own lease to end. */
export function waitsForItself(world: World): boolean {
  return (
    world.clients.some(({ told }) => told === TOLD_OF_ITSELF) ||
    world.calls.some(({ by, step, out, seen }) => {
      return step === "tell" && out === "in-progress" && seen !== null && isOwn(seen, by);
    })
  );
}

const TOLD_OF_ITSELF = "in-progress, by itself";

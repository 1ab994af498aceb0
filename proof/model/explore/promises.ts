import {
  hasEnded,
  isForgotten,
  type Proof,
  type StoredRecord,
  sameBytes,
  sameProof,
} from "../../../src/domain/record.ts";
import { outcomeOf } from "./calls.ts";
import { isSame, knows } from "./hub-steps.ts";
import { hasChanged, waitsForItself } from "./telling.ts";
import { type Client, clientOf, entryOf, noteOf, type Rules, recordOf, type World } from "./world.ts";

/** The names are those of Holdfast.tla. */
export type PromiseName =
  | "OneHolder"
  | "OneClaimPerFence"
  | "NothingAcknowledgedIsLost"
  | "OneResult"
  | "NobodyWaitsForItself"
  | "WaitersAreKnown"
  | "RestingKnows"
  | "FencesRise"
  | "EndsStay"
  | "OnlyHoldersEnd"
  | "NoTheft"
  | "NothingHeldIsGivenBack";

/** The first promise that the step breaks, or the world that it leads to; null: all are kept. */
export function brokenBy(before: World, after: World, rules: Rules): PromiseName | null {
  return brokenByStep(before, after) ?? brokenIn(after, rules);
}

function brokenIn(world: World, rules: Rules): PromiseName | null {
  const { clients } = world;
  for (const [index, client] of clients.entries()) {
    const broken = brokenTo(world, client, index);
    if (broken !== null) return broken;
  }
  if (waitsForItself(world)) return "NobodyWaitsForItself";
  for (const call of world.calls) {
    if (call.step !== "wait") continue;
    if (entryOf(world, call.at, clientOf(world, call.by).key).at === "off") return "WaitersAreKnown";
  }
  return sleepsForEver(world, rules) ? "RestingKnows" : null;
}

function brokenTo(world: World, client: Client, index: number): PromiseName | null {
  const { key, lease, acknowledgedUntil, replay } = client;
  const record = key < 0 ? null : recordOf(world, key);
  if (lease !== null) {
    const rivals = world.clients.filter((other, i) => i > index && other.key === key && other.lease !== null);
    if (rivals.some((other) => isHolder(record, client) && isHolder(record, other))) return "OneHolder";
    if (rivals.some((other) => other.lease?.fence === lease.fence)) return "OneClaimPerFence";
  }
  if (acknowledgedUntil !== null && world.now < acknowledgedUntil) {
    if (record?.state !== "completed" || !sameOutcome(record.outcome, outcomeOf(index))) {
      return "NothingAcknowledgedIsLost";
    }
  }
  if (replay !== null && record?.state === "completed" && record.lease.fence === replay.fence) {
    if (!sameOutcome(record.outcome, replay.outcome)) return "OneResult";
  }
  return null;
}

function isHolder(record: StoredRecord | null, { lease }: Client): boolean {
  return record?.state === "in-progress" && lease !== null && sameProof(record.lease, lease);
}

function sameOutcome(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : sameBytes(a, b);
}

/** An entry that rests knows the record as it is, or something is on its way that wakes it. */
function sleepsForEver(world: World, rules: Rules): boolean {
  return world.entries.some((row, server) =>
    row.some((entry, key) => {
      if (entry.at !== "rest" || entry.rung || knows(world, rules, entry, recordOf(world, key))) return false;
      return !world.notes.includes(noteOf(server, key)) && !isAboutToBeTold(world, rules, server, key);
    }),
  );
}

/** A server is between its commit and its NOTIFY. */
function isAboutToBeTold(world: World, rules: Rules, server: number, key: number): boolean {
  return world.calls.some(
    (call) =>
      call.step === "tell" &&
      clientOf(world, call.by).key === key &&
      hasChanged(call, rules) &&
      (call.at === server || call.seen?.hasWaiters === true),
  );
}

function brokenByStep(before: World, after: World): PromiseName | null {
  if (before.records === after.records) return null;
  for (const [key, was] of before.records.entries()) {
    const is = recordOf(after, key);
    if (was === is) continue;
    const broken = brokenByChange(before, key, was, is);
    if (broken !== null) return broken;
  }
  return null;
}

function brokenByChange(
  world: World,
  key: number,
  was: StoredRecord | null,
  is: StoredRecord | null,
): PromiseName | null {
  const { now } = world;
  if (is === null) return was === null || isForgotten(was, now) ? null : "NoTheft";
  const leases = world.clients.filter((client) => client.key === key && client.lease !== null);
  const isNew = was?.lease.fence !== is.lease.fence;
  if (isNew && (isNoHigher(is, was?.lease) || leases.some(({ lease }) => isNoHigher(is, lease)))) return "FencesRise";
  if (was === null) return null;
  if (hasEnded(was) && !isForgotten(was, now) && !isSameEnd(was, is)) return "EndsStay";
  if (isNew && was.state === "in-progress" && was.due > now) return "NoTheft";
  if (!isEndOf(was, is)) return null;
  const holders = leases.filter(({ lease }) => isLeaseOf(was, lease));
  if (isGivenBack(is)) return holders.some(({ doing }) => doing !== "done") ? "NothingHeldIsGivenBack" : null;
  const isByHolder = holders.some((client) => isSaidBy(is, world.clients.indexOf(client)));
  return isByHolder ? null : "OnlyHoldersEnd";
}

function isNoHigher({ lease }: StoredRecord, other: Proof | null | undefined): boolean {
  return other !== null && other !== undefined && lease.fence <= other.fence;
}

function isSameEnd(was: StoredRecord, is: StoredRecord): boolean {
  return isSame(was, is) && sameOutcome(was.outcome, is.outcome) && was.due === is.due;
}

/** A call has ended an attempt. */
function isEndOf(was: StoredRecord, is: StoredRecord): boolean {
  return is.endDigest !== null && is.endDigest !== was.endDigest;
}

function isLeaseOf({ lease, suspect }: StoredRecord, proof: Proof | null): boolean {
  return proof !== null && (sameProof(lease, proof) || (suspect !== null && sameProof(suspect, proof)));
}

function isSaidBy({ outcome }: StoredRecord, client: number): boolean {
  return sameOutcome(outcome, outcomeOf(client));
}

/** Every other end says something. */
function isGivenBack({ outcome }: StoredRecord): boolean {
  return outcome === null;
}

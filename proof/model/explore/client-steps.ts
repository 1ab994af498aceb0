import { hasEnded, isOutcomeUnknown } from "../../../src/domain/record.ts";
import { decideHeartbeat } from "../../../src/domain/reducer/heartbeat.ts";
import { heartbeatCallOf } from "./calls.ts";
import {
  type Call,
  type Client,
  clientOf,
  type Rules,
  recordOf,
  START,
  type Step,
  spend,
  type World,
  withClient,
  withRecord,
} from "./world.ts";

/**
 * What clients may do. Nothing makes them: one that does nothing any more has died.
 *
 * Clients, servers and keys are alike at first, so that the first client that begins may as well be the first one, at the
 * first server, with the first key. That and nothing else is left out for symmetry.
 */
export function clientSteps(world: World, rules: Rules): Step[] {
  return world.clients.flatMap((client, index) => stepsOf(world, rules, client, index));
}

function stepsOf(world: World, rules: Rules, client: Client, index: number): Step[] {
  switch (client.doing) {
    case "idle":
      return begin(world, rules, client, index);
    case "claiming":
    case "ending":
      return callAgain(world, rules, client, index);
    case "holding":
      return [...end(world, rules, index), ...beat(world, index)];
    case "done":
      return [];
  }
}

function begin(world: World, { scenario }: Rules, client: Client, index: number): Step[] {
  if (client.key < 0 && !isNextToBegin(world, scenario.intents, index)) return [];
  return keysFor(world, scenario.intents[index] === "reconcile", client).flatMap((key) => {
    const chosen = withClient(world, index, { doing: "claiming", key });
    return serversFor(world).map((server): Step => {
      const words = ["client", index + 1, "claims key", key + 1, "at server", server + 1];
      return { words, next: send(chosen, index, server) };
    });
  });
}

/** Of those who are alike, in their order. */
function isNextToBegin(world: World, intents: readonly string[], index: number): boolean {
  return world.clients.every(({ key }, other) => other >= index || key >= 0 || intents[other] !== intents[index]);
}

/** Whoever reconciles has asked ListRecords which outcomes are unknown. */
function keysFor(world: World, reconciles: boolean, client: Client): readonly number[] {
  const fresh = world.records.findIndex((_, key) => world.clients.every((other) => other.key !== key));
  return world.records.flatMap((record, key) => {
    if (reconciles && (record === null || hasEnded(record) || !isOutcomeUnknown(record, world.now))) return [];
    if (client.key >= 0) return client.key === key ? [key] : [];
    return world.clients.some((other) => other.key === key) || key === fresh ? [key] : [];
  });
}

function serversFor(world: World): readonly number[] {
  const isFirst = world.clients.every(({ key }) => key < 0);
  return isFirst ? [0] : [...world.entries.keys()];
}

function end(world: World, { scenario }: Rules, index: number): Step[] {
  const reconciles = scenario.intents[index] === "reconcile";
  return scenario.ends
    .filter((kind) => kind !== "not-started" || reconciles)
    .flatMap((kind) => {
      const ending = withClient(world, index, { doing: "ending", end: kind });
      return [...world.entries.keys()].map((server): Step => {
        const words = ["client", index + 1, "ends with", kind, "at server", server + 1];
        return { words, next: send(ending, index, server) };
      });
    });
}

/** The answer is late, or lost, or its server has died: the same call once more, while the first may still be at work. */
function callAgain(world: World, { mutant }: Rules, client: Client, index: number): Step[] {
  const isOpen = world.calls.some(({ by, turn }) => by === index && turn === client.turn);
  if (isOpen && world.left.losses === 0) return [];
  const spent = isOpen ? spend(world, "losses") : world;
  const nonce = client.nonce + (mutant === "M16" && client.doing === "claiming" ? 1 : 0);
  const next = withClient(spent, index, { turn: client.turn + 1, nonce });
  return [...world.entries.keys()].map(
    (server): Step => ({
      words: ["client", index + 1, "hears nothing and calls again, at server", server + 1],
      next: send(next, index, server),
    }),
  );
}

/** heartbeat.sql. That it was refused, or that its answer was lost, changes nothing here. */
function beat(world: World, index: number): Step[] {
  if (world.left.beats === 0) return [];
  const { key } = clientOf(world, index);
  const { next } = decideHeartbeat(recordOf(world, key), heartbeatCallOf(world, index), world.now);
  if (next === null) return [];
  return [{ words: ["client", index + 1, "extends its lease"], next: spend(withRecord(world, key, next), "beats") }];
}

function send(world: World, by: number, at: number): World {
  const { doing, turn, nonce } = clientOf(world, by);
  const call: Call = {
    ...{ by, turn, nonce, at, seen: null, seenAt: START, out: "", promoted: false, granted: null },
    what: doing === "claiming" ? "claim" : "finish",
    step: doing === "claiming" ? "read" : "commit",
  };
  return { ...world, calls: [...world.calls, call] };
}

import type { StoredRecord } from "../../src/domain/record.ts";
import { claimIdOf, claimOf, freshToken } from "../../test/support/records.ts";
import { raceAroundExpiry } from "./duel/expiry.ts";
import { type Duel, legalOrders, story } from "./duel/judge.ts";
import { isTakenOver, type Move } from "./duel/steps.ts";
import type { Order, Race } from "./race.ts";
import type { Tally } from "./tally.ts";

const ORDERS = {
  reattached: { name: "the holder is reattached, and the stranger is told of the renewed lease", by: "chance" },
  takenOver: { name: "the takeover lands, and the holder is told of the stranger's lease", by: "chance" },
  early: { name: "the stranger is told of the old lease, and the holder is reattached", by: "chance", shareMin: 0 },
  lockReattached: { name: "the takeover waits for the reattached claim's lock, and finds it changed", by: "force" },
  lockTakenOver: { name: "the reattached claim waits for the takeover's lock, and finds it changed", by: "force" },
} as const satisfies Record<string, Order>;

export const reattachAgainstTakeover: Race = {
  name: "reattach-takeover",
  what: "The holder repeats its claim and a stranger claims, let go at the end of the lease: exactly one of them has it.",
  orders: Object.values(ORDERS),
  trials: { short: 1_500, usual: 10_000, full: 100_000 },
  forced: { short: 64, usual: 128, full: 1_024 },
  run: (scene) =>
    raceAroundExpiry(scene, {
      ...{ a: repeated, b: takeover },
      judge(duel) {
        const isTaken = judge(duel, scene.tally);
        scene.tally.count((isTaken ? ORDERS.takenOver : sawOldLease(duel) ? ORDERS.early : ORDERS.reattached).name);
        return isTaken;
      },
      judgeMeeting(duel) {
        const isTaken = judge(duel, scene.tally);
        scene.tally.count((isTaken ? ORDERS.lockTakenOver : ORDERS.lockReattached).name);
        return isTaken ? "b" : "a";
      },
    }),
  controls: [
    {
      name: "no compare",
      what: "takes over the lease that it has seen run out, although its end has moved since",
      mutation: { rewrites: [{ statement: "reclaim", from: "and k.due = s.due", to: "" }] },
    },
  ],
};

function repeated({ key }: StoredRecord): Move {
  return { kind: "claim", call: claimOf({ key, claimId: claimIdOf("holder"), token: freshToken() }) };
}

function takeover({ key }: StoredRecord): Move {
  return { kind: "claim", call: claimOf({ key, claimId: claimIdOf("stranger"), token: freshToken() }) };
}

/** Whether the stranger has it. */
function judge(duel: Duel, tally: Tally): boolean {
  const [own, strange] = [duel.a[0], duel.b[0]];
  if (own === undefined || strange === undefined) throw new Error("bug: a duel without a side");
  const isReattached = own.answer.kind === "acquired" && own.answer.reason === "reattached";
  const isTaken = isTakenOver(strange);
  if (isReattached === isTaken) tally.violate(`not exactly one has it. ${story(duel)}`);
  else if (legalOrders(duel).length === 0) tally.violate(`the contract allows no such answers. ${story(duel)}`);
  return isTaken;
}

function sawOldLease({ before, b: [strange] }: Duel): boolean {
  return strange?.answer.kind === "in-progress" && strange.answer.record.due === before.due;
}

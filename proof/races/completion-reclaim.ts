import type { StoredRecord } from "../../src/domain/record.ts";
import { claimIdOf, claimOf, finishOf, freshToken } from "../../test/support/records.ts";
import { raceAroundExpiry } from "./duel/expiry.ts";
import { type Duel, legalOrders, story } from "./duel/judge.ts";
import { isAccepted, isTakenOver, type Move } from "./duel/steps.ts";
import type { Order, Race } from "./race.ts";
import type { Tally } from "./tally.ts";

const ORDERS = {
  completed: { name: "the completion lands, and the claim is told its result", by: "chance" },
  takenOver: { name: "the takeover lands, and the completion is refused", by: "chance" },
  early: { name: "the claim is told of the lease, and the completion lands", by: "chance", shareMin: 0 },
  lockCompleted: { name: "the takeover waits for the completion's lock, and finds it changed", by: "force" },
  lockTakenOver: { name: "the completion waits for the takeover's lock, and finds it changed", by: "force" },
} as const satisfies Record<string, Order>;

export const completionAgainstReclaim: Race = {
  name: "completion-reclaim",
  what: "A completion and a claim are let go at the end of the lease: exactly one of them has the record.",
  orders: Object.values(ORDERS),
  trials: { short: 1_500, usual: 10_000, full: 100_000 },
  forced: { short: 64, usual: 128, full: 1_024 },
  run: (scene) =>
    raceAroundExpiry(scene, {
      ...{ a: completion, b: takeover },
      judge(duel) {
        const isCompleted = judge(duel, scene.tally);
        const isEarly = duel.b[0]?.answer.kind === "in-progress";
        scene.tally.count((isEarly ? ORDERS.early : isCompleted ? ORDERS.completed : ORDERS.takenOver).name);
        return !isCompleted;
      },
      judgeMeeting(duel) {
        const isCompleted = judge(duel, scene.tally);
        scene.tally.count((isCompleted ? ORDERS.lockCompleted : ORDERS.lockTakenOver).name);
        return isCompleted ? "a" : "b";
      },
    }),
  controls: [
    {
      name: "M3 M4",
      what: "accepts an end whatever its token and its fence",
      mutation: {
        rewrites: [{ statement: "finish", from: "k.fence = c.fence\nand k.lease_token = c.token", to: "true" }],
      },
    },
    {
      name: "no compare",
      what: "takes over the row that it has locked, whatever has become of it since it was read",
      mutation: {
        rewrites: [
          { statement: "reclaim", from: "and k.fence = s.fence\nand k.state = s.state\nand k.due = s.due", to: "" },
        ],
      },
    },
  ],
};

function completion({ key, lease: proof }: StoredRecord): Move {
  return { kind: "finish", call: finishOf({ key, proof }) };
}

function takeover({ key }: StoredRecord): Move {
  return { kind: "claim", call: claimOf({ key, claimId: claimIdOf("stranger"), token: freshToken() }) };
}

/** Whether the completion has it. */
function judge(duel: Duel, tally: Tally): boolean {
  const [end, claim] = [duel.a[0], duel.b[0]];
  if (end === undefined || claim === undefined) throw new Error("bug: a duel without a side");
  if (isAccepted(end) === isTakenOver(claim)) tally.violate(`not exactly one has it. ${story(duel)}`);
  else if (legalOrders(duel).length === 0) tally.violate(`the contract allows no such answers. ${story(duel)}`);
  return isAccepted(end);
}

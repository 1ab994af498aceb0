import { type Duel, legalOrders, story } from "./duel/judge.ts";
import { type Meeting, meetAtTheLock } from "./duel/meeting.ts";
import { isAccepted, type Step } from "./duel/steps.ts";
import type { Order, Race, Scene } from "./race.ts";
import { holdAll } from "./stand/records.ts";
import { openPair, type Pair } from "./stand/stores.ts";
import { CALLS, moveOf, reconcile } from "./suspect/moves.ts";
import { LAPSED, type Place, raceSuspects } from "./suspect/trials.ts";

const ORDERS = {
  first: { name: "the suspect's call, then the reconciler's claim", by: "chance" },
  between: { name: "the reconciler's claim, the suspect's call, the verdict", by: "chance" },
  last: { name: "the reconciler's claim, the verdict, the suspect's call", by: "chance" },
} as const satisfies Record<string, Order>;

const MET = {
  suspect: { name: "the reconciler's claim waits for the suspect's end, and finds it changed", by: "force" },
  reconciler: { name: "the suspect's end waits for the reconciler's claim, and counts all the same", by: "force" },
  alive: { name: "the reconciler's claim waits for a heartbeat, and finds the lease alive", by: "force" },
  dead: { name: "a heartbeat waits for the reconciler's claim, and is refused", by: "force" },
} as const satisfies Record<string, Order>;

/** A call that is refused alike in two places; such trials are judged, and show no order. */
const UNTOLD: Order = { name: "refused, and nobody can tell when", by: "chance", shareMin: 0 };

export const suspectAgainstReconciler: Race = {
  name: "suspect-reconciler",
  what: "A suspect acts while a reconciler claims and gives its verdict: each is told what the contract says of some order.",
  orders: [...Object.values(ORDERS), UNTOLD, ...Object.values(MET)],
  trials: { short: 2_500, usual: 20_000, full: 100_000 },
  forced: { short: 64, usual: 128, full: 1_024 },
  async run(scene) {
    await using pair = await openPair(scene.url, scene.mutation);
    await meet(scene, pair);
    const cells = new Map(cellsOf().map((cell) => [cell, 0]));
    const unanswered = await raceSuspects(scene, pair, (duel, { call, verdict }) => {
      const place = judge(duel, scene);
      scene.tally.count((place === null ? UNTOLD : ORDERS[place]).name);
      const cell = `${call}, ${verdict}: ${place}`;
      const hits = cells.get(cell);
      if (hits !== undefined) cells.set(cell, hits + 1);
      return place;
    });
    tell(scene, cells, unanswered);
  },
  controls: [
    {
      name: "verdict on the ended",
      what: "accepts a verdict on a record that the suspect has ended",
      mutation: { rewrites: [{ statement: "finish", from: "and k.state in (1, 5)", to: "and k.state in (1, 3, 5)" }] },
    },
    {
      name: "no compare",
      what: "lets a reconciler have the row that it has locked, whatever has become of it since it was read",
      mutation: {
        rewrites: [
          { statement: "reconcile", from: "and k.fence = s.fence\nand k.state = s.state\nand k.due = s.due", to: "" },
        ],
      },
    },
  ],
};

async function meet(scene: Scene, pair: Pair): Promise<void> {
  const meeting = (call: "complete" | "heartbeat", first: Order, last: Order): Meeting => ({
    a: ({ key, lease }) => moveOf(call, key, lease),
    b: ({ key }) => reconcile(key),
    prepare: (count) => holdAll(pair.a, count, LAPSED),
    judge(duel) {
      const isFirst = judge(duel, scene) === "first";
      scene.tally.count((isFirst ? first : last).name);
      return isFirst ? "a" : "b";
    },
    // Heartbeats have a connection of their own, and only one.
    lanesOfA: call === "heartbeat" ? 1 : 2,
  });
  await meetAtTheLock(scene, pair, meeting("complete", MET.suspect, MET.reconciler));
  await meetAtTheLock(scene, pair, meeting("heartbeat", MET.alive, MET.dead));
}

function judge(duel: Duel, { tally }: Scene): Place {
  const [call] = duel.a;
  const verdict = duel.b[1];
  if (call !== undefined && verdict !== undefined && isFinal(call) && isSettling(verdict)) {
    tally.violate(`the suspect's end and a verdict were both accepted. ${story(duel)}`);
    return null;
  }
  const orders = legalOrders(duel);
  if (orders.length === 0) tally.violate(`the contract allows no such answers. ${story(duel)}`);
  if (orders.length !== 1) return null;
  const place = orders[0]?.indexOf("a");
  return place === 0 ? "first" : place === 1 ? "between" : "last";
}

/** The record has ended by it. */
function isFinal(step: Step): boolean {
  return (
    isAccepted(step) && "state" in step.answer && (step.answer.state === "completed" || step.answer.state === "failed")
  );
}

/** Whoever is told this may act as if the attempt had no other end; nothing may be said of it after that. */
function isSettling(verdict: Step): boolean {
  return isFinal(verdict) || (isAccepted(verdict) && "state" in verdict.answer && verdict.answer.state === "available");
}

/** The suspect's ends count at any time, so their place among the reconciler's calls always shows. */
function cellsOf(): readonly string[] {
  const places = Object.keys(ORDERS);
  return ["complete", "terminal"].flatMap((call) =>
    CALLS.flatMap((verdict) => places.map((place) => `${call}, ${verdict}: ${place}`)),
  );
}

function tell({ tally, trials }: Scene, cells: ReadonlyMap<string, number>, unanswered: number): void {
  tally.figure("ends × verdicts × orders", cells.size);
  tally.figure("trials of the rarest of them", Math.min(...cells.values()));
  tally.unanswered(unanswered, trials);
  const missing = [...cells].filter(([, hits]) => hits === 0).map(([cell]) => cell);
  if (missing.length > 0 && !tally.isOver) tally.spoil(`never came about: ${missing.join("; ")}`);
}

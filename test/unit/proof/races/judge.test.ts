import { expect, test } from "vitest";
import { legalOrders, story } from "../../../../proof/races/duel/judge.ts";
import { decide, type Move, type Step } from "../../../../proof/races/duel/steps.ts";
import { addMs, type Instant } from "../../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../../src/domain/record.ts";
import { claimIdOf, claimOf, finishOf, NOW, recordOf, SECOND } from "../../../support/records.ts";

const LAPSED = recordOf({ due: addMs(NOW, -SECOND) });
const END: Move = { kind: "finish", call: finishOf() };
const CLAIM: Move = { kind: "claim", call: claimOf() };
const REPEATED: Move = { kind: "claim", call: claimOf({ claimId: claimIdOf("holder") }) };

/** Plays the moves one after the other, as the contract has it. */
function played(before: StoredRecord, moves: readonly Move[]): { steps: Step[]; after: StoredRecord } {
  let after = before;
  const steps = moves.map((move, i) => {
    const now: Instant = addMs(NOW, i);
    const { answer, next } = decide(after, move, now);
    after = next ?? after;
    return { ...move, answer } as Step;
  });
  return { steps, after };
}

test("the order in which calls were made is found from their answers", () => {
  for (const [first, second] of [
    [END, CLAIM],
    [CLAIM, END],
  ] as const) {
    const { steps, after } = played(LAPSED, [first, second]);
    const [one, other] = steps as [Step, Step];
    expect(legalOrders({ before: LAPSED, a: [one], b: [other], after })).toEqual(["ab"]);
    expect(legalOrders({ before: LAPSED, a: [other], b: [one], after })).toEqual(["ba"]);
  }
});

test("two answers of which each is right and both together are wrong have no order", () => {
  const [end] = played(LAPSED, [END]).steps as [Step];
  const { steps, after } = played(LAPSED, [CLAIM]);
  const duel = { before: LAPSED, a: [end], b: steps, after };
  expect(legalOrders(duel)).toEqual([]);
  expect(story(duel)).toBe(
    "order-1: one was told complete: completed, late; the other claim: acquired takeover; it is left in-progress",
  );
});

test("right answers that have left another record have no order", () => {
  const { steps, after } = played(LAPSED, [END, CLAIM]);
  const [a, b] = steps as [Step, Step];
  const other = { ...after, outcome: new Uint8Array([1]) };
  expect(legalOrders({ before: LAPSED, a: [a], b: [b], after: other })).toEqual([]);
  expect(legalOrders({ before: LAPSED, a: [a], b: [b], after: null })).toEqual([]);
});

test("calls that do not touch each other have every order, and a flag makes no difference", () => {
  const live = recordOf({ due: addMs(NOW, SECOND) });
  const { steps } = played(live, [CLAIM, CLAIM]);
  const [a, b] = steps as [Step, Step];
  const after = { ...live, hasWaiters: true };
  expect(legalOrders({ before: live, a: [a], b: [b], after })).toEqual(["ab", "ba"]);
});

test("the calls of one side stay in their order", () => {
  const { steps, after } = played(LAPSED, [REPEATED, CLAIM, END]);
  const [repeated, claim, end] = steps as [Step, Step, Step];
  expect(legalOrders({ before: LAPSED, a: [repeated, end], b: [claim], after })).toEqual(["aba"]);
  expect(legalOrders({ before: LAPSED, a: [end, repeated], b: [claim], after })).toEqual([]);
});

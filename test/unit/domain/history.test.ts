import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type EventDraft, emptiedEvent, eventsOf, type RecordEventKind } from "../../../src/domain/history.ts";
import { addMs } from "../../../src/domain/instant.ts";
import { emptied, hasEnded, isForgotten, type StoredRecord } from "../../../src/domain/record.ts";
import { randomSteps } from "../../store/random-steps.ts";
import { bytes, HOLDER, NOW, recordOf, SECOND, SUSPECT, tokenOf } from "../../support/records.ts";
import { historyOf, REDUCER, type Transition } from "./reducer/history.ts";
import { stateNamed } from "./reducer/states.ts";

const RECONCILER = bytes("the reconciler's evidence");

function change(before: StoredRecord, after: StoredRecord, hasHistory = true): readonly EventDraft[] {
  return eventsOf({ before, after, hasHistory, reconciler: RECONCILER, now: NOW });
}

const named = (name: string): StoredRecord => {
  const record = stateNamed(name);
  if (record === null) throw new Error("bug: no record");
  return record;
};
const raised = { token: tokenOf("another"), fence: HOLDER.fence + 1n };
const completed = { ...named("completed"), endTime: NOW };

describe("a change that is no event", () => {
  test.each([
    ["a longer lease", { due: addMs(NOW, 60 * SECOND) }],
    ["a checkpoint", { checkpoint: bytes("cp"), checkpointSequence: 1n, checkpointTime: NOW }],
    ["the flag of those who wait", { hasWaiters: true }],
  ])("%s, whether or not there is a history", (_, after) => {
    for (const hasHistory of [true, false]) expect(change(recordOf(), recordOf(after), hasHistory)).toEqual([]);
  });

  test("the sweeper's emptying of an ended record", () => {
    expect(change(named("completed, expired"), { ...named("completed, expired"), outcome: null })).toEqual([]);
  });

  test("an end in time of a record that had nothing else", () => {
    expect(change(recordOf(), completed, false)).toEqual([]);
    expect(change(recordOf(), { ...named("failed"), endTime: NOW }, false)).toEqual([]);
  });
});

describe("the first event", () => {
  const claimed = {
    kind: "claimed",
    time: recordOf().attemptStartTime,
    attempt: 1,
    fence: HOLDER.fence,
    evidence: recordOf().evidence,
  };

  test.each([
    ["a takeover", named("lapsed"), { ...named("lapsed"), attempt: 2, lease: raised }, ["taken-over"]],
    ["a late end", named("lapsed"), completed, ["completed"]],
    ["a failed attempt", recordOf(), { ...named("available"), due: NOW }, ["failed-retryable"]],
    ["the last attempt", recordOf(), { ...named("failed"), reason: "max-attempts" }, ["attempts-used-up"]],
    [
      "a reset of what had completed",
      completed,
      { ...named("available, unbound"), lease: raised },
      ["completed", "reset"],
    ],
    [
      "a retry of what had failed",
      named("failed"),
      { ...recordOf(), attempt: 2, lease: raised },
      ["failed", "retried"],
    ],
  ] as const)("is preceded by what the record told by itself: %s", (_, before, after, kinds) => {
    const [first, ...others] = change(before, after as StoredRecord, false);
    expect(first).toMatchObject(claimed);
    expect(others.map(({ kind }) => kind)).toEqual(kinds);
  });

  test("is preceded by nothing of what an expired record held, whether or not it was emptied", () => {
    const failed = { ...named("failed, expired"), evidence: bytes("a"), outcome: bytes("no") };
    const reset = { ...named("available, unbound"), lease: raised };
    const told = (record: StoredRecord) => change(record, reset, false);
    expect(told(failed).map(({ kind }) => kind)).toEqual(["claimed", "failed", "reset"]);
    expect(told(failed)).toEqual(told(failed).map(emptiedEvent));
    expect(told(failed)).toEqual(told(emptied(failed)));
  });

  test("has nothing before it where the record was unbound", () => {
    const kinds = change(named("available, unbound"), recordOf({ lease: raised }), false).map(({ kind }) => kind);
    expect(kinds).toEqual(["claimed"]);
  });
});

describe("whose evidence an event holds", () => {
  const unknown = named("outcome unknown, a suspect cut off");
  const reconciling = named("reconciling");
  const evidenceOf = (before: StoredRecord, after: StoredRecord) =>
    Buffer.from(change(before, after).at(-1)?.evidence ?? []).toString();

  test.each([
    ["a reconciler's claim", unknown, { ...reconciling, lease: raised }, "the reconciler's evidence"],
    ["its end", reconciling, completed, "the reconciler's evidence"],
    ["its lease being taken away", reconciling, { ...unknown, lease: raised }, "the reconciler's evidence"],
    ["the suspect's end", reconciling, { ...completed, suspect: SUSPECT }, "the holder's evidence"],
    ["a verdict of an operator", reconciling, { ...completed, lease: raised }, "the holder's evidence"],
    ["the next attempt", named("lapsed"), recordOf({ evidence: bytes("next"), lease: raised }), "next"],
  ] as const)("%s", (_, before, after, expected) => {
    expect(evidenceOf(before, after)).toBe(expected);
  });
});

describe("over any sequence of calls", () => {
  const steps = randomSteps({ keys: 1, maxLength: 60, stepsBack: true });

  /** What is kept, with the change that made it; a forgotten or purged record begins anew. */
  function kept(transitions: readonly Transition[]) {
    const made: { readonly event: EventDraft; readonly transition: Transition }[] = [];
    let hasHistory = false;
    for (const transition of transitions) {
      const { before, after, now } = transition;
      if (before === null || after === null || isForgotten(before, now)) {
        if (after !== before) hasHistory = false;
        continue;
      }
      const events = eventsOf({ before, after, hasHistory, reconciler: RECONCILER, now });
      hasHistory ||= events.length > 0;
      made.push(...events.map((event) => ({ event, transition })));
    }
    return made;
  }

  test("every change of fence or state is an event, unless the record tells of it by itself", () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const transitions = historyOf(sequence, REDUCER);
        const made = kept(transitions);
        for (const transition of transitions) {
          const { before, after, now } = transition;
          if (before === null || after === null || isForgotten(before, now)) continue;
          const isChange = before.lease.fence !== after.lease.fence || before.state !== after.state;
          if (!isChange) continue;
          const isTold =
            before.state === "in-progress" && hasEnded(after) && before.due > now && before.suspect === null;
          const events = made.filter((one) => one.transition === transition);
          if (!isTold) expect(events.length).toBeGreaterThan(0);
          if (events.length > 0) expect(events.at(-1)?.event.fence).toBe(after.lease.fence);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("every kind of event is reached", () => {
    const reached = new Set<RecordEventKind>();
    for (const sequence of fc.sample(steps, { numRuns: 600, seed: 1 })) {
      for (const { event } of kept(historyOf(sequence, REDUCER))) reached.add(event.kind);
    }
    expect([...reached].toSorted()).toEqual([
      "attempts-used-up",
      "claimed",
      "completed",
      "failed",
      "failed-retryable",
      "not-started",
      "outcome-unknown",
      "reconciling",
      "released",
      "reset",
      "resolved",
      "retried",
      "taken-over",
    ]);
  });
});

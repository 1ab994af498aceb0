import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomSteps } from "../../../store/random-steps.ts";
import { historyOf, REDUCER } from "./history.ts";
import { LAWS } from "./laws.ts";

const steps = randomSteps({ keys: 1, maxLength: 50, stepsBack: true });

describe.each(LAWS)("$name", ({ check, broken }) => {
  test("holds for every sequence of calls", () => {
    fc.assert(
      fc.property(steps, (sequence) => check(historyOf(sequence, REDUCER), REDUCER)),
      { numRuns: 400 },
    );
  });

  test("is broken by a reducer with a fault", () => {
    const faulty = { ...REDUCER, ...broken };
    const property = fc.property(steps, (sequence) => check(historyOf(sequence, faulty), faulty));
    expect(fc.check(property, { numRuns: 2_000, endOnFailure: true, seed: 1 }).failed).toBe(true);
  });
});

test("the sequences reach every answer that a claim, a heartbeat or an end can get", () => {
  const reached = new Set<string>();
  for (const sequence of fc.sample(steps, { numRuns: 600, seed: 1 })) {
    for (const { call, answer } of historyOf(sequence, REDUCER)) {
      if (answer === null) continue;
      const detail = "code" in answer ? answer.code : "reason" in answer ? answer.reason : "";
      const end = answer.kind === "ended" ? `${answer.alreadyApplied ? "repeated" : answer.state}` : "";
      reached.add([call.op, answer.kind, detail, end].filter(Boolean).join(" "));
    }
  }
  expect([...reached].toSorted()).toMatchInlineSnapshot(`
    [
      "claim acquired new",
      "claim acquired reattached",
      "claim acquired reconcile",
      "claim acquired retry",
      "claim acquired takeover",
      "claim completed",
      "claim expired",
      "claim failed",
      "claim fault CLAIM_ENDED",
      "claim fault FINGERPRINT_MISMATCH",
      "claim fault INVALID_STATE",
      "claim fault RECORD_EXISTS",
      "claim fault RECORD_NOT_FOUND",
      "claim in-progress",
      "claim outcome-unknown",
      "claim refused",
      "claim retry-scheduled",
      "finish ended available",
      "finish ended completed",
      "finish ended failed",
      "finish ended outcome-unknown",
      "finish ended repeated",
      "finish fault DURATION_OUT_OF_RANGE",
      "finish fault INVALID_STATE",
      "finish fault LEASE_SUPERSEDED",
      "finish fault LEASE_TOKEN_INVALID",
      "finish fault RECORD_NOT_FOUND",
      "finish fault RESULT_CONFLICT",
      "heartbeat extended",
      "heartbeat fault INVALID_STATE",
      "heartbeat fault LEASE_SUPERSEDED",
      "heartbeat fault LEASE_TOKEN_INVALID",
      "heartbeat fault RECORD_NOT_FOUND",
    ]
  `);
});

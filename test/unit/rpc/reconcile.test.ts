import { describe, expect, test } from "vitest";
import { ClaimIntent, FailKind } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { acquire, bundle, claimOf, HOLD, methods } from "./bundle.ts";

describe("RECONCILE", () => {
  test("needs a claim_id of its own", async () => {
    const own = bundle();
    const request = claimOf(HOLD);
    await own.call(methods.claim, request);
    const sent = await own.failure(methods.claim, { ...request, intent: ClaimIntent.RECONCILE });
    expect(sent.reason).toBe("CLAIM_ENDED");
  });

  test("of a live lease is told to ask again", async () => {
    const own = bundle();
    await acquire(own, HOLD);
    const { detail } = await own.call(methods.claim, claimOf({ intent: ClaimIntent.RECONCILE }));
    expect(detail.case).toBe("inProgress");
  });

  test("of a lapsed lease that anybody may take over is told to ask again, and not at once", async () => {
    const own = bundle();
    await acquire(own);
    own.pass(31_000);
    const { detail } = await own.call(methods.claim, claimOf({ intent: ClaimIntent.RECONCILE }));
    if (detail.case !== "inProgress") throw new Error(`expected inProgress, not ${detail.case}`);
    expect(detail.value.retryAfter).toMatchObject({ seconds: 1n });
  });

  test("of a claimable record is an invalid state", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    await own.call(methods.fail, { handle, kind: FailKind.NOT_STARTED });
    const sent = await own.failure(methods.claim, claimOf({ intent: ClaimIntent.RECONCILE }));
    expect(sent.reason).toBe("INVALID_STATE");
  });

  test("keeps what the suspect left behind", async () => {
    const own = bundle();
    const { handle } = await acquire(own, { ...HOLD, owner: { service: "billing" }, externalRef: "pay_1" });
    await own.call(methods.fail, { handle, kind: FailKind.OUTCOME_UNKNOWN, error: { message: "timed out" } });
    const { previousError } = await acquire(own, { intent: ClaimIntent.RECONCILE, owner: { service: "reconciler" } });
    expect(previousError).toMatchObject({ message: "timed out" });
    own.pass(31_000);
    const { detail } = await own.call(methods.claim, claimOf());
    if (detail.case !== "outcomeUnknown") throw new Error(`expected outcomeUnknown, not ${detail.case}`);
    expect(detail.value).toMatchObject({ lastOwner: { service: "billing" }, externalRef: "pay_1" });
  });
});

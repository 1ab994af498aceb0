import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type UnaryResponse } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  type ClaimRequest,
  ClaimRequestSchema,
  IdempotencyService,
  SessionGoodbye_Reason,
} from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { carry } from "../../../../src/client/session/carry.ts";
import { createSessions } from "../../../../src/client/session/sessions.ts";
import { createManualClock } from "../manual-clock.ts";
import { createHand, type Hand } from "./hand.ts";

const { claim } = IdempotencyService.method;
type Carried = UnaryResponse<typeof ClaimRequestSchema, typeof claim.output>;

/** A session that is open, and claims on it; `gone` is what was made elsewhere. */
function open() {
  const clock = createManualClock();
  const gone: { readonly request: ClaimRequest; readonly timeoutMs: number }[] = [];
  let hand: Hand | undefined;
  const sessions = createSessions({
    clock,
    random: () => 0,
    open(_, events) {
      hand = createHand(events);
      return hand.stream;
    },
  });
  const deps = { sessions, clock, onAnswer: () => undefined, explain: (error: unknown) => error };
  const make = (request: MessageInitShape<typeof ClaimRequestSchema>, timeoutMs?: number, answer?: Promise<Carried>) =>
    carry(
      deps,
      claim,
      { signal: undefined, timeoutMs, headers: undefined },
      create(ClaimRequestSchema, request),
      false,
      (left, leftMs) => {
        gone.push({ request: left, timeoutMs: leftMs });
        return answer ?? new Promise(() => undefined);
      },
    );
  expect(make({})).toBe(null);
  if (hand === undefined) throw new Error("no stream was opened");
  hand.hello();
  return { clock, hand, gone, make };
}

const waitMs = ({ wait }: ClaimRequest) => (wait === undefined ? undefined : durationMs(wait));

/** All that is open goes elsewhere. */
function leave(hand: Hand) {
  hand.goodbye(SessionGoodbye_Reason.MAX_AGE);
  hand.end();
}

describe("a claim that has to go elsewhere", () => {
  test.each([
    // What once() sends: half a minute, and ten seconds for the answer.
    ["what is left of its wait", 30, 40_000, 20_000, 10_000, 20_000],
    ["no wait when it has waited", 30, 40_000, 30_000, 0, 10_000],
    ["less wait than time", 30, 30_000, 20_000, 9_900, 10_000],
    ["no wait when there is no time for it", 30, 30_000, 29_950, 0, 50],
    ["its wait, when nothing has passed", 30, 40_000, 0, 30_000, 40_000],
    ["its wait, without a limit", 30, 0, 10_000, 20_000, 0],
  ])("takes along %s", async (_, seconds, timeoutMs, passedMs, leftWaitMs, leftMs) => {
    const { clock, hand, gone, make } = open();
    make({ claimId: "the-only-one", wait: { seconds: BigInt(seconds) } }, timeoutMs);
    await clock.advance(passedMs);
    leave(hand);
    expect(gone.map(({ request, timeoutMs }) => [waitMs(request), timeoutMs])).toEqual([[leftWaitMs, leftMs]]);
    expect(gone[0]?.request.claimId).toBe("the-only-one");
  });

  test("without a wait is the same claim within what is left of its time, which is ten seconds at first", async () => {
    const { clock, hand, gone, make } = open();
    make({ claimId: "the-only-one" });
    await clock.advance(4_000);
    leave(hand);
    expect(gone).toEqual([{ request: create(ClaimRequestSchema, { claimId: "the-only-one" }), timeoutMs: 6_000 }]);
  });

  test("fails with what it fails with there", async () => {
    const { hand, make } = open();
    const failure = new ConnectError("the client is closed", Code.Canceled);
    const answer = make({}, 1_000, Promise.reject(failure));
    leave(hand);
    await expect(answer).rejects.toBe(failure);
  });
});

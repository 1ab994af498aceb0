import { describe, expect, test } from "vitest";
import { ClaimIntent, FailKind, ReusePolicy } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { createTracing } from "../../../src/telemetry/tracing.ts";
import { acquire, type Bundle, bundle, claimOf, HOLD, KEY, methods, resultOf, seconds } from "./bundle.ts";

const trace = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
const [FIRST, SECOND, THIRD] = [trace("a"), trace("b"), trace("c")] as const;

const sends = (traceparent: string) => ({
  metadata: (name: string) => (name === "traceparent" ? traceparent : undefined),
});
const claim = ({ call }: Bundle, traceparent: string, more = {}) =>
  call(methods.claim, claimOf(more), sends(traceparent));
const stored = async ({ call }: Bundle) =>
  (await call(methods.getRecord, { key: KEY, includeResult: false })).record?.traceparent;
const end = ({ call }: Bundle, { handle }: Awaited<ReturnType<typeof acquire>>) =>
  call(methods.complete, { handle, result: resultOf("done") });

/** An api without an SDK behind it, and what does not even ask one. */
describe.each([
  ["without an SDK", () => bundle({ tracing: createTracing("test") })],
  ["without tracing", () => bundle()],
])("%s", (_, open) => {
  test("the traceparent of the claim that began the attempt is kept with it, sampled or not", async () => {
    for (const sent of [FIRST, FIRST.replace(/01$/, "00")]) {
      const own = open();
      await claim(own, sent);
      expect(await stored(own)).toBe(sent);
    }
  });

  test.each(["", "garbage", FIRST.toUpperCase(), `${FIRST}-more`, trace("0"), `${FIRST},${SECOND}`])(
    "%j is none, and the claim is as good as one without",
    async (traceparent) => {
      const own = open();
      const { detail } = await claim(own, traceparent);
      expect([detail.case, await stored(own)]).toEqual(["acquired", ""]);
    },
  );

  test("claims that do not acquire leave it as it is, a repeated one too", async () => {
    const own = open();
    const first = claimOf();
    await own.call(methods.claim, first, sends(FIRST));
    await own.call(methods.claim, first, sends(SECOND));
    await claim(own, THIRD);
    expect(await stored(own)).toBe(FIRST);
  });

  test("whoever takes over brings a trace of its own, or none", async () => {
    const own = open();
    await claim(own, FIRST);
    own.pass(30_000);
    await claim(own, SECOND);
    expect(await stored(own)).toBe(SECOND);
    own.pass(30_000);
    await acquire(own);
    expect(await stored(own)).toBe("");
  });

  test("a reconciler leaves the trace of the attempt that it looks into", async () => {
    const own = open();
    await claim(own, FIRST, HOLD);
    own.pass(31_000);
    await claim(own, SECOND, { intent: ClaimIntent.RECONCILE });
    expect(await stored(own)).toBe(FIRST);
  });

  test("it stays with the result, and goes with it", async () => {
    const own = open();
    const { detail } = await claim(own, FIRST, { policy: { resultRetention: seconds(60) } });
    if (detail.case !== "acquired") throw new Error("not acquired");
    const handle = detail.value.lease?.handle;
    await own.call(methods.complete, { ...(handle && { handle }), result: resultOf("done") });
    expect(await stored(own)).toBe(FIRST);
    own.pass(61_000);
    expect(await stored(own)).toBe("");
    await own.store.sweep(10);
    expect(await stored(own)).toBe("");
  });

  test("it changes neither what is replayed nor what counts as the same end", async () => {
    const answers = await Promise.all(
      [FIRST, ""].map(async (traceparent) => {
        const own = open();
        const { detail } = await claim(own, traceparent);
        if (detail.case !== "acquired") throw new Error("not acquired");
        const handle = detail.value.lease?.handle;
        if (handle === undefined) throw new Error("no handle");
        const ending = { handle, result: resultOf("done") };
        const ends = [
          await own.call(methods.complete, ending, sends(SECOND)),
          await own.call(methods.complete, ending, sends(THIRD)),
        ];
        const replay = await claim(own, THIRD);
        return [ends.map(({ alreadyApplied }) => alreadyApplied), replay];
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.[0]).toEqual([false, true]);
  });

  test("a failed record that is claimed again has the new trace", async () => {
    const own = open();
    const { handle } = await acquire(own);
    await own.call(methods.fail, { handle, kind: FailKind.TERMINAL });
    await claim(own, SECOND, { reuse: ReusePolicy.RETRY_FAILED });
    expect(await stored(own)).toBe(SECOND);
  });
});

test("a caller without a trace has none stored", async () => {
  const own = bundle();
  await end(own, await acquire(own));
  expect(await stored(own)).toBe("");
});

import fc from "fast-check";
import type { EndKind, Intent, MayAcquire, Reuse } from "../../src/domain/calls.ts";
import type { Policy } from "../../src/domain/record.ts";
import type { Verdict } from "../../src/store/operator-store.ts";
import { DAY, HOUR, MINUTE, POLICY, SECOND } from "../support/records.ts";

/** How a call's proof differs from one that was handed out. */
export type Forgery = "none" | "token" | "lower fence" | "higher fence";

/** Where time goes; to a boundary of a record to the millisecond, or one beside it. */
export type TimeStep =
  | { readonly op: "time"; readonly by: number }
  | { readonly op: "time"; readonly key: number; readonly to: "due" | "forgetAt"; readonly offsetMs: number };

/**
 * A call as data, before anything is known of leases and instants: `lease` counts back from the newest that was handed
 * out, `caller` keeps its claim_id until it makes a `fresh` one. So a shorter sequence is still a sequence.
 */
export type Step =
  | {
      readonly op: "claim";
      readonly key: number;
      readonly caller: number;
      readonly fresh: boolean;
      readonly intent: Intent;
      readonly reuse: Reuse;
      readonly payload: string;
      readonly policy: Policy;
      readonly leaseMs: number;
      readonly externalRef: string | null;
      readonly mayAcquire: MayAcquire;
    }
  | {
      readonly op: "heartbeat";
      readonly lease: number;
      readonly forgery: Forgery;
      readonly leaseMs: number;
      readonly checkpoint: number | null;
      readonly progress: string | null;
      readonly externalRef: string | null;
    }
  | {
      readonly op: "finish";
      readonly lease: number;
      readonly forgery: Forgery;
      readonly kind: EndKind;
      readonly outcome: string | null;
      readonly delayMs: number;
      readonly checkpoint: number | null;
      /** A give-back: guarded by the lease's end as it was granted, or by one that never was. */
      readonly guard: "none" | "granted" | "off by one";
    }
  | { readonly op: "peek" | "watch" | "release"; readonly key: number }
  | { readonly op: "reset"; readonly key: number; readonly force: boolean }
  | { readonly op: "resolve"; readonly key: number; readonly force: boolean; readonly verdict: Verdict["kind"] }
  | { readonly op: "purge"; readonly key: number; readonly force: boolean }
  | { readonly op: "sweep" }
  | TimeStep;

export interface StepOptions {
  readonly keys: number;
  readonly maxLength: number;
  /** Whether the clock may step back. */
  readonly stepsBack: boolean;
}

/** Few of everything, so that calls meet: short leases, retentions near them, limits of one and two. */
const POLICIES: readonly Policy[] = [
  POLICY,
  { ...POLICY, hold: true, resultRetentionMs: MINUTE, tombstoneRetentionMs: MINUTE },
  { ...POLICY, maxAttempts: 1, resultRetentionMs: MINUTE, tombstoneRetentionMs: 0 },
  { ...POLICY, maxAttempts: 2, maxExecutionMs: 5 * SECOND, tombstoneRetentionMs: HOUR },
  { ...POLICY, hold: true, maxAttempts: 2, maxExecutionMs: MINUTE, resultRetentionMs: HOUR },
];

const leaseMs = fc.constantFrom(SECOND, 5 * SECOND, 30 * SECOND, HOUR);
const checkpoint = fc.option(fc.integer({ min: 1, max: 4 }), { freq: 2 });
const reported = fc.option(fc.constantFrom("", "r", "s"), { freq: 3 });
const word = fc.option(fc.constantFrom("a", "b"), { freq: 2 });
const lease = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }) },
);
const forgery = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Forgery>("none") },
  { weight: 1, arbitrary: fc.constantFrom<Forgery>("token", "lower fence", "higher fence") },
);

function claimStep(key: fc.Arbitrary<number>): fc.Arbitrary<Step> {
  return fc.record({
    op: fc.constant("claim" as const),
    key,
    caller: fc.integer({ min: 0, max: 2 }),
    fresh: fc.boolean(),
    intent: fc.constantFrom<Intent>("execute", "execute", "execute", "reconcile"),
    reuse: fc.constantFrom<Reuse>("replay-all", "replay-all", "replay-all", "retry-failed", "reject"),
    payload: fc.constantFrom("p", "p", "p", "p", "p", "other", ""),
    policy: fc.constantFrom(...POLICIES),
    leaseMs,
    externalRef: word,
    mayAcquire: fc.constantFrom<MayAcquire>(...Array(8).fill("anything"), "existing", "nothing"),
  });
}

const heartbeatStep: fc.Arbitrary<Step> = fc.record({
  op: fc.constant("heartbeat" as const),
  lease,
  forgery,
  leaseMs,
  checkpoint,
  progress: word,
  externalRef: word,
});

const finishStep: fc.Arbitrary<Step> = fc.record({
  op: fc.constant("finish" as const),
  lease,
  forgery,
  kind: fc.constantFrom<EndKind>("complete", "retryable", "terminal", "outcome-unknown", "not-started"),
  outcome: reported,
  delayMs: fc.constantFrom(0, 0, SECOND, MINUTE, HOUR),
  checkpoint,
  guard: fc.constantFrom("none", "none", "none", "none", "granted", "off by one"),
});

function resolveStep(key: fc.Arbitrary<number>): fc.Arbitrary<Step> {
  const verdict = fc.constantFrom<Verdict["kind"]>("completed", "failed", "not-done");
  return fc.record({ op: fc.constant("resolve" as const), key, force: fc.boolean(), verdict });
}

function timeStep(key: fc.Arbitrary<number>, stepsBack: boolean): fc.Arbitrary<Step> {
  const forward = fc.constantFrom(1, SECOND, 5 * SECOND, 31 * SECOND, 2 * MINUTE, HOUR, DAY);
  const by = fc.record({ op: fc.constant("time" as const), by: forward });
  const boundary = fc.record({
    op: fc.constant("time" as const),
    key,
    to: fc.constantFrom("due" as const, "due" as const, "forgetAt" as const),
    offsetMs: fc.constantFrom(-1, 0, 0, 1),
  });
  const back = fc.record({ op: fc.constant("time" as const), by: fc.constantFrom(-1, -SECOND, -HOUR) });
  return fc.oneof(
    { weight: 4, arbitrary: by },
    { weight: 6, arbitrary: boundary },
    { weight: stepsBack ? 1 : 0, arbitrary: back },
  );
}

/** Any sequence of calls of every method of a store, with time moving in between. */
export function randomSteps({ keys, maxLength, stepsBack }: StepOptions): fc.Arbitrary<readonly Step[]> {
  const key = fc.integer({ min: 0, max: keys - 1 });
  const step = fc.oneof(
    { weight: 10, arbitrary: claimStep(key) },
    { weight: 3, arbitrary: heartbeatStep },
    { weight: 7, arbitrary: finishStep },
    { weight: 7, arbitrary: timeStep(key, stepsBack) },
    { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("peek" as const, "watch" as const), key }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("release" as const), key }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("reset" as const), key, force: fc.boolean() }) },
    { weight: 1, arbitrary: resolveStep(key) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("purge" as const), key, force: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constant({ op: "sweep" as const }) },
  );
  return fc.array(step, { minLength: 1, maxLength, size: "max" });
}

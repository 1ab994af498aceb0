import fc from "fast-check";
import type { Verdict } from "../../../../src/domain/registration.ts";
import type { TenantHealth } from "../../../../src/domain/tenant.ts";

export const IDS = ["a", "b", "c"] as const;
export const HOSTS = ["one.example", "two.example", "three.example/x"] as const;

/** `pick` chooses among what is under way. */
export type Step =
  | {
      readonly kind: "register";
      readonly id: string;
      readonly hosts: readonly string[];
      readonly isEager: boolean;
      readonly isValidated: boolean;
      readonly isAwaited: boolean;
      readonly health: TenantHealth | null;
    }
  | { readonly kind: "unregister" | "recheck" | "resolve"; readonly id: string }
  | { readonly kind: "drain"; readonly id: string; readonly draining: boolean }
  | { readonly kind: "observe"; readonly id: string; readonly health: TenantHealth; readonly isNewest: boolean }
  | { readonly kind: "end-build"; readonly pick: number; readonly how: "succeed" | "fail" | "pass" }
  | { readonly kind: "end-validation"; readonly pick: number; readonly verdict: Verdict | null }
  | { readonly kind: "end-commit"; readonly pick: number; readonly how: "succeed" | "gone" | "fail" }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "forget-idle"; readonly idleMs: number };

const id = fc.constantFrom(...IDS);
const pick = fc.nat(20);
const health = fc.constantFrom<TenantHealth>("pending", "healthy", "unverified", "disabled");

const register = fc.record({
  kind: fc.constant("register" as const),
  id,
  hosts: fc.subarray([...HOSTS]),
  isEager: fc.boolean(),
  isValidated: fc.boolean(),
  isAwaited: fc.boolean(),
  health: fc.option(health),
});
const endBuild = fc.record({
  kind: fc.constant("end-build" as const),
  pick,
  how: fc.constantFrom("succeed" as const, "succeed" as const, "succeed" as const, "fail" as const, "pass" as const),
});
const endValidation = fc.record({
  kind: fc.constant("end-validation" as const),
  pick,
  verdict: fc.constantFrom<Verdict | null>(
    { kind: "accepted" },
    { kind: "refused", reason: "no" },
    { kind: "uncertain", reason: "who knows" },
    null,
  ),
});
const endCommit = fc.record({
  kind: fc.constant("end-commit" as const),
  pick,
  how: fc.constantFrom("succeed" as const, "succeed" as const, "gone" as const, "fail" as const),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: register },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("unregister" as const), id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("recheck" as const), id }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("resolve" as const), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drain" as const), id, draining: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("observe" as const), id, health, isNewest: fc.boolean() }) },
  { weight: 6, arbitrary: endBuild },
  { weight: 5, arbitrary: endValidation },
  { weight: 5, arbitrary: endCommit },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.nat(3_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("forget-idle" as const), idleMs: fc.nat(3_000) }) },
);

export const steps = fc.array(step, { maxLength: 50, size: "max" });

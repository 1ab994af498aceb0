import type { Placed } from "../history.ts";
import { inRealTime, isLease, timeOf, type Validator, type Violation } from "./validator.ts";

export const fencesRise: Validator = {
  id: "V1",
  promise: "one lease and one claim for each fence, and fences rise from one lease to the next",
  check(calls) {
    const leases = calls.filter(isLease);
    return { judged: leases.map((lease) => timeOf(lease)), violations: [...sharedBy(leases), ...fallen(leases)] };
  },
};

/** A fence names one token and one claim_id, and a token one fence. */
function sharedBy(leases: readonly Placed[]): readonly Violation[] {
  const ofFence = new Map<number, Placed>();
  const ofToken = new Map<string, Placed>();
  return leases.flatMap((lease): readonly Violation[] => {
    const { fence = 0, token = "" } = lease.output;
    const same = ofFence.get(fence);
    const other = ofToken.get(token);
    // A heartbeat does not say whose it is.
    if (same === undefined || same.input.claim_id === undefined) ofFence.set(fence, lease);
    if (other === undefined) ofToken.set(token, lease);
    if (same !== undefined && same.output.token !== token) {
      return [{ why: `fence ${fence} was given to two leases`, lines: [same, lease] }];
    }
    if (same !== undefined && differ(same.input.claim_id, lease.input.claim_id)) {
      return [{ why: `fence ${fence} was given to two claims`, lines: [same, lease] }];
    }
    if (other !== undefined && other.output.fence !== fence) {
      return [{ why: `one token has the fences ${other.output.fence} and ${fence}`, lines: [other, lease] }];
    }
    return [];
  });
}

function differ(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** What was answered before it was asked for has the lower fence, or is the same lease. */
function fallen(leases: readonly Placed[]): readonly Violation[] {
  const violations: Violation[] = [];
  let highest: Placed | undefined;
  let seen = 0;
  for (const { call, answeredBefore } of inRealTime(leases, leases)) {
    for (const lease of answeredBefore.slice(seen)) {
      if (fenceOf(lease) > fenceOf(highest)) highest = lease;
    }
    seen = answeredBefore.length;
    if (highest === undefined || fenceOf(call) >= fenceOf(highest)) continue;
    const why = `fence ${fenceOf(call)} was answered after fence ${fenceOf(highest)}`;
    violations.push({ why, lines: [highest, call] });
  }
  return violations;
}

function fenceOf(lease: Placed | undefined): number {
  return lease?.output.fence ?? 0;
}

import type { RecordJson } from "../../rpc/wire/record-json.ts";
import { recordText } from "./record-text.ts";
import { stateOf } from "./rows.ts";
import { timeMs } from "./view.ts";

/** A record as it was before a change. */
export interface Seen {
  /** With the tenant that is meant. */
  readonly what: string;
  /** Null: the server cannot show it. */
  readonly before: RecordJson | null;
  /** By the database's clock, when it was looked at. */
  readonly nowMs: number;
}

export function namedText(key: { readonly scope: string; readonly key: string }, tenant: string): string {
  return `Record ${recordText(key)} of ${tenant}`;
}

/** Why somebody should say yes to taking its lease away; null: no reason. */
export function riskOfRelease({ what, before, nowMs }: Seen): string | null {
  if (before === null)
    return `Nobody can see whether somebody is at work on it: ${what}. What is begun may be done twice.`;
  const isLive = before.state === "RECORD_STATE_IN_PROGRESS" && (timeMs(before.leaseExpireTime) ?? 0) > nowMs;
  if (!isLive) return null;
  if (before.reconciling) return `${what} is being looked into; whoever finds out can no longer say what he finds.`;
  return before.policy?.onLeaseExpiry === "LEASE_EXPIRY_POLICY_HOLD"
    ? `${what} is being worked on; once its lease is taken away, nobody knows whether its work was done.`
    : `${what} is being worked on; once its lease is taken away, what was begun may be done twice.`;
}

/** The same of a verdict while a reconciler looks into it. */
export function riskOfForcedVerdict(what: string): string {
  return `${what}: whoever is finding out what became of the work can no longer say so.`;
}

/** The same of making the next claim a first claim. */
export function riskOfReset({ what, before }: Seen, force: boolean): string | null {
  if (before === null) return `${what} cannot be seen; what it holds will be gone, and its work will be done again.`;
  if (force) return `${what} is ${stateOf(before)}; what somebody may be doing right now will be done again.`;
  switch (before.state) {
    case "RECORD_STATE_COMPLETED":
    case "RECORD_STATE_EXPIRED":
      return `${what} is ${stateOf(before)}; its result will be gone, and its work will be done again.`;
    default:
      return null;
  }
}

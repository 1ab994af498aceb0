import type { Delivery } from "./delivery-log.ts";

/** Where a worker can be stopped to be killed there: with the lease and no charge, or with the charge and no result. */
export type Stage = "claimed" | "charged";

/** What the feeder sends to a worker. */
export interface Order {
  readonly delivery: Delivery;
  /** Stand still at this stage, if this delivery gets there, and wait for the end. */
  readonly stopAt: Stage | null;
  /** Say so when it is about to be claimed: somebody is to be killed while this one waits for him. */
  readonly announce: boolean;
}

/** What became of a delivery. */
export type Outcome =
  /** This worker did the work. */
  | "charged"
  /** It had been done before; the stored result was replayed. */
  | "replayed"
  /** The id was used before with another payload: refused, and not to be delivered again. */
  | "mismatch"
  /** Nobody knows whether the charge was made: a matter for the reconciler, and then to be delivered again. */
  | "unknown"
  /** The worker could not tell, and says so instead of guessing: to be delivered again. */
  | "not-handled";

/** What a worker sends back. */
export type Report =
  | { readonly kind: "ready" }
  /** A Claim call that did not wait was answered, after so long. */
  | { readonly kind: "claim"; readonly ms: number }
  /** A Claim call that waited had the result, so long after the end of the record. */
  | { readonly kind: "wake"; readonly ms: number }
  /** A Claim call that waited has acquired. */
  | { readonly kind: "promotion" }
  /** A claim was acquired after an earlier attempt. */
  | { readonly kind: "takeover" }
  /** The order was to announce it: its event is claimed now. */
  | { readonly kind: "claiming"; readonly line: number }
  | { readonly kind: "stopped"; readonly line: number; readonly stage: Stage }
  | { readonly kind: "handled"; readonly line: number; readonly outcome: Outcome };

/** What a worker needs to know before its first order; its only argument, as JSON. */
export interface WorkerSetting {
  readonly name: string;
  readonly databaseUrl: string;
  /** The gRPC addresses of all servers. */
  readonly servers: readonly [string, ...string[]];
  readonly leaseMs: number;
  /** To the ledger's database. */
  readonly connections: number;
}

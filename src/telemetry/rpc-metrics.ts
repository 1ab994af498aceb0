import type { FaultCode } from "../domain/fault.ts";
import { type Cell, type Distribution, type Metrics, SECONDS } from "./metrics.ts";

/** What is read of a method's descriptor. */
export interface MethodName {
  readonly name: string;
  readonly methodKind: string;
  readonly parent: { readonly typeName: string };
}

/** How the gRPC ecosystem writes the codes, by number; public dashboards expect these names. */
export const CODE_NAMES = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
] as const;

const OUTCOMES = [
  "acquired",
  "in-progress",
  "completed",
  "failed",
  "retry-scheduled",
  "outcome-unknown",
  "expired",
] as const;
const REASONS = ["new", "reattached", "takeover", "retry", "reconcile"] as const;

/** The reasons of quota refusals, as callers are told them, and their label. */
const QUOTAS = {
  QUOTA_NEW_RECORDS: "new-records",
  QUOTA_LIVE_RECORDS: "live-records",
  QUOTA_BYTES: "bytes",
  QUOTA_LEASES: "leases",
  QUOTA_WAITERS: "waiters",
} as const satisfies Partial<Record<FaultCode, string>>;
const KINDS = ["complete", "retryable", "terminal", "outcome-unknown", "not-started"] as const;

interface MethodCells {
  readonly started: Cell;
  readonly received: Cell;
  readonly sent: Cell;
  readonly handled: readonly Cell[];
  readonly seconds: Distribution;
}

/** What is read of how a call failed. */
export interface FailedCall {
  readonly reason: FaultCode;
}

export interface RpcMetrics {
  started(method: MethodName): void;
  /** `error` is set unless the code is OK. */
  handled(method: MethodName, code: number, seconds: number, context?: unknown, error?: FailedCall): void;
  claimed(outcome: string, reason: string | null): void;
  ended(kind: string, alreadyApplied: boolean, late: boolean): void;
}

/**
 * Calls, under the names of the gRPC ecosystem, and what became of claims. Every series stands at 0 from the start, so
 * that the first failure is a rise and not a new series. No label names a key or a tenant.
 */
export function createRpcMetrics(metrics: Metrics, methods: readonly MethodName[]): RpcMetrics {
  const cellsOf = createMethodCells(metrics);
  const cells = new Map(methods.map((method) => [method, cellsOf(method)]));
  const claims = metrics.counter("holdfast_claims_total", "Claims answered, by outcome.", ["outcome"]);
  const acquires = metrics.counter(
    "holdfast_acquires_total",
    "Claims that acquired, by reason; takeover is a lease that had run out.",
    ["reason"],
  );
  const ends = metrics.counter("holdfast_ends_total", "Attempts ended by Complete or Fail.", [
    "kind",
    "already_applied",
    "late",
  ]);
  const quotas = createQuotaCells(metrics);
  const outcomes = new Map<string, Cell>(OUTCOMES.map((outcome) => [outcome, claims(outcome)]));
  const reasons = new Map<string, Cell>(REASONS.map((reason) => [reason, acquires(reason)]));
  for (const kind of KINDS) {
    for (const applied of ["false", "true"]) for (const late of ["false", "true"]) ends(kind, applied, late);
  }

  return {
    started(method) {
      const series = cells.get(method);
      if (series === undefined) return;
      series.started.value++;
      series.received.value++;
    },
    handled(method, code, seconds, _context, error) {
      if (error !== undefined) count(quotas.get(error.reason));
      const series = cells.get(method);
      const handled = series?.handled[code];
      if (series === undefined || handled === undefined) return;
      handled.value++;
      series.seconds.observe(seconds);
      if (code === 0 && method.methodKind === "unary") series.sent.value++;
    },
    claimed(outcome, reason) {
      count(outcomes.get(outcome));
      if (reason !== null) count(reasons.get(reason));
    },
    ended(kind, alreadyApplied, late) {
      ends(kind, String(alreadyApplied), String(late)).value++;
    },
  };
}

function count(cell: Cell | undefined): void {
  if (cell !== undefined) cell.value++;
}

/** What a quota refused and a replay answered all the same is no refusal: the caller was not told of it. */
function createQuotaCells(metrics: Metrics): ReadonlyMap<string, Cell> {
  const refusals = metrics.counter("holdfast_quota_refusals_total", "Calls refused because of a tenant's quota.", [
    "quota",
  ]);
  return new Map(Object.entries(QUOTAS).map(([reason, quota]) => [reason, refusals(quota)]));
}

function createMethodCells(metrics: Metrics): (method: MethodName) => MethodCells {
  const labels = ["grpc_type", "grpc_service", "grpc_method"];
  const started = metrics.counter("grpc_server_started_total", "Calls that have begun, on both ports.", labels);
  const handled = metrics.counter("grpc_server_handled_total", "Calls that were answered, by code, on both ports.", [
    ...labels,
    "grpc_code",
  ]);
  const received = metrics.counter("grpc_server_msg_received_total", "Messages received, on both ports.", labels);
  const sent = metrics.counter("grpc_server_msg_sent_total", "Messages sent, on both ports.", labels);
  const seconds = metrics.histogram({
    name: "grpc_server_handling_seconds",
    help: "From the decoded request to the answer, on both ports.",
    labelNames: labels,
    buckets: SECONDS,
  });
  return (method) => {
    const type = method.methodKind === "server_streaming" ? "server_stream" : method.methodKind;
    const values = [type, method.parent.typeName, method.name] as const;
    return {
      started: started(...values),
      received: received(...values),
      sent: sent(...values),
      handled: CODE_NAMES.map((code) => handled(...values, code)),
      seconds: seconds(...values),
    };
  };
}

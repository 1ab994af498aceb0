import type { FaultCode } from "../domain/fault.ts";
import { type CounterSpec, type HistogramSpec, SECONDS } from "./metric-spec.ts";
import type { Cell, Distribution, Metrics } from "./metrics.ts";
import { createRefusalCells } from "./refusal-metrics.ts";

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

const KINDS = ["complete", "retryable", "terminal", "outcome-unknown", "not-started"] as const;
const BOTH = ["false", "true"] as const;

const METHOD = {
  grpc_type: ["unary", "server_stream", "bidi_stream"],
  grpc_service: "`holdfast.v1.IdempotencyService` or `holdfast.v1.AdminService`",
  grpc_method: "a method of that service, such as `Claim`",
} as const;

export const STARTED = {
  kind: "counter",
  name: "grpc_server_started_total",
  unit: "calls",
  help: "Calls that have begun, on both ports.",
  advice: "Less the handled ones: the calls under way, those that wait included.",
  labels: METHOD,
} as const satisfies CounterSpec;

export const HANDLED = {
  kind: "counter",
  name: "grpc_server_handled_total",
  unit: "calls",
  help: "Calls that were answered, by code, on both ports.",
  advice:
    "Why calls fail is told by `holdfast_refusals_total`. `OK` of an AdminService method counts what operators do.",
  labels: { ...METHOD, grpc_code: CODE_NAMES },
} as const satisfies CounterSpec;

export const RECEIVED = {
  kind: "counter",
  name: "grpc_server_msg_received_total",
  unit: "messages",
  help: "Messages received, on both ports.",
  advice: "As many as calls: what arrives on a session counts under the methods that it calls.",
  labels: METHOD,
} as const satisfies CounterSpec;

export const SENT = {
  kind: "counter",
  name: "grpc_server_msg_sent_total",
  unit: "messages",
  help: "Answers sent, on both ports; messages of streams are not counted.",
  advice: "As many as calls of unary methods that were handled with OK.",
  labels: METHOD,
} as const satisfies CounterSpec;

export const HANDLING = {
  kind: "histogram",
  name: "grpc_server_handling_seconds",
  unit: "seconds",
  help: "From the decoded request to the answer, on both ports.",
  advice:
    "Claim and WaitFor wait as long as their callers ask for; judge the others by it, and claims by `holdfast_statement_seconds` and `holdfast_queue_wait_seconds`.",
  labels: METHOD,
  buckets: SECONDS,
} as const satisfies HistogramSpec;

export const CLAIMS = {
  kind: "counter",
  name: "holdfast_claims_total",
  unit: "claims",
  help: "Claims answered, by outcome.",
  advice: "completed and failed are replays. A rise of outcome-unknown: somebody meets keys that nobody resolves.",
  labels: { outcome: OUTCOMES },
} as const satisfies CounterSpec;

export const ACQUIRES = {
  kind: "counter",
  name: "holdfast_acquires_total",
  unit: "claims",
  help: "Claims that acquired, by reason; takeover is a lease that had run out.",
  advice:
    "Takeovers are workers that died or were too slow for their lease: compare with their deployments and crashes.",
  labels: { reason: REASONS },
} as const satisfies CounterSpec;

export const ENDS = {
  kind: "counter",
  name: "holdfast_ends_total",
  unit: "calls",
  help: "Attempts ended by Complete or Fail; late: after the lease, and before anybody took over.",
  advice: "Late ones want a longer lease or more heartbeats; already applied ones are retries of callers.",
  labels: { kind: KINDS, already_applied: BOTH, late: BOTH },
} as const satisfies CounterSpec;

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
  const claims = metrics.counter(CLAIMS);
  const acquires = metrics.counter(ACQUIRES);
  const ends = metrics.counter(ENDS);
  const refusals = createRefusalCells(metrics);
  const outcomes = new Map<string, Cell>(OUTCOMES.map((outcome) => [outcome, claims(outcome)]));
  const reasons = new Map<string, Cell>(REASONS.map((reason) => [reason, acquires(reason)]));
  const endings = new Map<string, readonly (readonly Cell[])[]>(
    KINDS.map((kind) => [kind, BOTH.map((applied) => BOTH.map((late) => ends(kind, applied, late)))]),
  );

  return {
    started(method) {
      const series = cells.get(method);
      if (series === undefined) return;
      series.started.value++;
      series.received.value++;
    },
    handled(method, code, seconds, _context, error) {
      if (error !== undefined) count(refusals.get(error.reason));
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
      count(endings.get(kind)?.[Number(alreadyApplied)]?.[Number(late)]);
    },
  };
}

function count(cell: Cell | undefined): void {
  if (cell !== undefined) cell.value++;
}

function createMethodCells(metrics: Metrics): (method: MethodName) => MethodCells {
  const started = metrics.counter(STARTED);
  const handled = metrics.counter(HANDLED);
  const received = metrics.counter(RECEIVED);
  const sent = metrics.counter(SENT);
  const seconds = metrics.histogram(HANDLING);
  return (method) => {
    const type = method.methodKind.replace("streaming", "stream");
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

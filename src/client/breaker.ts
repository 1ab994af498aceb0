import type { Clock } from "./clock.ts";

/**
 * ```text
 *            failures in a row                openMs
 *   closed ────────────────────▶ open ──────────────────────▶ half-open
 *     ▲                           ▲     one call may try          │
 *     │                           └───────────────────────────────┤ it reaches none
 *     └───────────────────────────────────────────────────────────┘ any call reaches a server
 * ```
 */
export type BreakerState = "closed" | "open" | "half-open";

/** When servers count as out of reach. A call fails when no server, or one without its database, has answered it. */
export interface BreakerOptions {
  /** 1 to 1 000, default 5: failed calls in a row that open it. */
  readonly failures?: number;
  /** 1 to 600 000 ms, default 5 000: how long it stays open before one call may try whether servers are back. */
  readonly openMs?: number;
  /**
   * 1 to 600 000 ms, default 2 000: how long a call that fails open tries to reach a server while the breaker is closed,
   * before its work runs without protection.
   */
  readonly failOpenAfterMs?: number;
  /**
   * Whether calls that fail closed are CircuitOpenError at once while it is open. Default false: each tries for
   * `retry.totalTimeoutMs`, for a server that restarts is back before that.
   */
  readonly failFast?: boolean;
}

/** What can be seen of a client's breaker. */
export interface BreakerView {
  readonly state: BreakerState;
  /** Calls in a row that reached no server. */
  readonly failures: number;
  /** Until a call may try; 0 when one may now. */
  readonly retryAfterMs: number;
}

export interface Breaker extends BreakerView {
  readonly failOpenAfterMs: number;
  readonly failFast: boolean;
  /** Whether a call may be sent that need not be. When it is half-open, true is for one caller. */
  admits(): boolean;
  /** A server has answered, whatever it said. */
  reached(): void;
  /** No server has. */
  failed(): void;
}

/** Who never calls `admits` is never held back: its calls tell all the same whether servers are there. */
export function createBreaker(
  options: BreakerOptions,
  clock: Clock,
  onChange: (from: BreakerState, to: BreakerState) => void,
): Breaker {
  const failuresMax = within("failures", options.failures ?? 5, 1_000);
  const openMs = within("openMs", options.openMs ?? 5_000, 600_000);
  const failOpenAfterMs = within("failOpenAfterMs", options.failOpenAfterMs ?? 2_000, 600_000);
  let state: BreakerState = "closed";
  let failures = 0;
  /** When it was opened, or when the newest try was let through. */
  let sinceMs = 0;

  const change = (to: BreakerState) => {
    const from = state;
    state = to;
    sinceMs = clock.monotonicMs();
    if (from !== to) onChange(from, to);
  };
  const retryAfterMs = () => (state === "closed" ? 0 : Math.max(0, sinceMs + openMs - clock.monotonicMs()));

  return {
    failOpenAfterMs,
    failFast: options.failFast ?? false,
    get state() {
      return state;
    },
    get failures() {
      return failures;
    },
    get retryAfterMs() {
      return retryAfterMs();
    },
    admits() {
      if (state === "closed") return true;
      // Also when half-open: who was let through may have given up before it was answered.
      if (retryAfterMs() > 0) return false;
      change("half-open");
      return true;
    },
    reached() {
      failures = 0;
      if (state !== "closed") change("closed");
    },
    failed() {
      failures++;
      // While it is open, calls that are not held back fail too, and must not keep it open for ever.
      if (state === "half-open" || (state === "closed" && failures >= failuresMax)) change("open");
    },
  };
}

function within(name: string, value: number, max: number): number {
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new TypeError(`breaker.${name} must be a whole number from 1 to ${max}`);
  }
  return value;
}

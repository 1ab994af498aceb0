import { TIMEOUT_MS_MAX } from "./limits.ts";

const UNIT_MS = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 } as const;

/** Milliseconds of a grpc-timeout, at most what a timer holds; undefined when it is none. */
export function parseGrpcTimeout(value: string): number | undefined {
  if (!/^\d{1,8}[HMSmun]$/.test(value)) return undefined;
  const unit = UNIT_MS[value.slice(-1) as keyof typeof UNIT_MS];
  return Math.min(Number(value.slice(0, -1)) * unit, TIMEOUT_MS_MAX);
}

/** The longest grpc-timeout that fits a timer. */
export const GRPC_TIMEOUT_MAX = `${Math.floor(TIMEOUT_MS_MAX / 1000)}S`;

/** A longer deadline is as good as the longest that fits; what is no timeout at all stays, and is refused. */
export function clampConnectTimeout(value: string): string {
  return /^\d{1,10}$/.test(value) ? String(Math.min(Number(value), TIMEOUT_MS_MAX)) : value;
}

export function clampGrpcTimeout(value: string): string {
  const ms = parseGrpcTimeout(value);
  return ms !== undefined && ms >= TIMEOUT_MS_MAX ? GRPC_TIMEOUT_MAX : value;
}

import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import type { Instant } from "../../domain/instant.ts";

const NANOS_PER_SECOND = 1_000_000_000;
const NANOS_PER_MS = 1_000_000;
const MICROS_PER_SECOND = 1_000_000;
const NANOS_PER_MICRO = 1000;

/** 10 000 years, the range of google.protobuf.Duration; its milliseconds are exact as a number. */
const SECONDS_MAX = 315_576_000_000n;

/** Within its range, nanos below a second and of the sign of seconds: what the type itself demands. */
export function isWellFormedDuration({ seconds, nanos }: Duration): boolean {
  if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX) return false;
  if (nanos <= -NANOS_PER_SECOND || nanos >= NANOS_PER_SECOND) return false;
  return !((seconds > 0n && nanos < 0) || (seconds < 0n && nanos > 0));
}

/** Rounded up to whole milliseconds, so that no bound in whole milliseconds is crossed by rounding. */
export function durationMs({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1000 + Math.ceil(nanos / NANOS_PER_MS);
}

export function toDuration(ms: number): Duration {
  const seconds = Math.trunc(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * NANOS_PER_MICRO) * NANOS_PER_MICRO;
  // Rounding to microseconds can reach a full second, which nanos cannot hold.
  return Math.abs(nanos) < NANOS_PER_SECOND ? duration(seconds, nanos) : duration(seconds + Math.sign(nanos), 0);
}

/** As `create` makes it, which costs more than all the rest here. */
function duration(seconds: number, nanos: number): Duration {
  return { $typeName: "google.protobuf.Duration", seconds: BigInt(seconds), nanos };
}

export function toTimestamp(instant: Instant): Timestamp {
  if (!Number.isFinite(instant)) throw new Error("bug: never is not a timestamp");
  const seconds = Math.floor(instant / MICROS_PER_SECOND);
  const micros = Math.round(instant - seconds * MICROS_PER_SECOND);
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos: micros * NANOS_PER_MICRO };
}

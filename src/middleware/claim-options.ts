import type { ClaimOptions } from "../client/public.ts";

type Checked = Partial<Omit<ClaimOptions, "key" | "input">>;

const SECOND = 1_000;
const DAY = 86_400_000;

/** As `ClaimOptions` has them; a server may be set to narrower ones, and says so itself. */
const BOUNDS = {
  leaseMs: [SECOND, 3_600_000],
  maxAttempts: [0, 1_000],
  maxExecutionMs: [SECOND, 7 * DAY],
  resultRetentionMs: [60 * SECOND, 90 * DAY],
  tombstoneRetentionMs: [0, 3_660 * DAY],
} as const;

/**
 * What every claim of a service says is checked when the service starts: a mistake in it is no fault of the first
 * request or message, nor of all of them.
 *
 * @throws TypeError that names the option and what is allowed
 */
export function checkClaimOptions(options: Checked): void {
  for (const [name, [min, max]] of Object.entries(BOUNDS))
    within(name, options[name as keyof typeof BOUNDS], min, max, 0);
  oneOf("onLeaseExpiry", options.onLeaseExpiry, ["reacquire", "hold"]);
}

export function within(name: string, value: number | undefined, min: number, max: number, usual: number): number {
  if (value === undefined) return usual;
  if (!Number.isInteger(value) || value < min || value > max) throw new TypeError(`${name} must be ${min} to ${max}`);
  return value;
}

/** The first is the default. */
export function oneOf<T extends string>(name: string, value: T | undefined, words: readonly [T, ...T[]]): T {
  if (value === undefined) return words[0];
  if (!words.includes(value)) throw new TypeError(`${name} must be ${listed(words)}`);
  return value;
}

/** "a", "b" or "c" */
export function listed(words: readonly string[]): string {
  const quoted = words.map((word) => `"${word}"`);
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

/** Told of what nobody else is; what it throws itself is a warning, and never another answer. */
export function guarded(onError: (error: unknown) => void): (error: unknown) => void {
  const failed = (error: unknown) => {
    const message = `onError has failed: ${error instanceof Error ? error.message : String(error)}`;
    globalThis.process?.emitWarning?.(message, { type: "HoldfastWarning", code: "ON_ERROR_FAILED" });
  };
  return (error) => {
    try {
      // One that is async rejects instead of throwing.
      Promise.resolve(onError(error) as unknown).catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  };
}

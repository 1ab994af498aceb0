import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";

/** What a timer can wait for. */
const SLEEP_MS_MAX = 2 ** 31 - 1;
const SETTLED = new Error("settled");

/**
 * The same, unless `deadline`, an instant of `Clock.monotonicMs()`, comes first: then throws `Fault` DEADLINE_EXCEEDED,
 * and what was waited for goes on.
 */
export async function within<T>(promise: Promise<T>, deadline: number, clock: Clock): Promise<T> {
  if (deadline === Number.POSITIVE_INFINITY) return promise;
  const settled = new AbortController();
  const late = async (): Promise<never> => {
    await clock.sleep(Math.min(deadline - clock.monotonicMs(), SLEEP_MS_MAX), settled.signal);
    throw new Fault("DEADLINE_EXCEEDED", "the deadline passed before the tenant was there");
  };
  try {
    return await Promise.race([promise, late()]);
  } finally {
    settled.abort(SETTLED);
  }
}

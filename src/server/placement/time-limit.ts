import type { Clock } from "../../clock.ts";

export interface TimeLimitDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The time was over before the work was. */
export class Overdue extends Error {
  override readonly name = "Overdue";
}

/** Gives the work a signal that is aborted after `ms`, or with ours. Ends when the work does, which is to obey the signal. */
export async function withTimeLimit<T>(
  ms: number,
  { clock, signal }: TimeLimitDeps,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const done = new AbortController();
  void clock.sleep(ms, done.signal).then(
    () => late.abort(new Overdue(`no end within ${ms} ms`)),
    () => undefined,
  );
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } finally {
    done.abort();
  }
}

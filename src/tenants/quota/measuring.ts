import type { Clock } from "../../clock.ts";
import type { UsageSource } from "../../store/usage.ts";
import type { MeteredQuota } from "./metered.ts";

/** Keeps quotas true to what their tenants use. */
export interface Measuring extends Disposable {
  /**
   * Resolves when the quota knows what some server has measured before, if one has and the cluster answers. Ends with the
   * signal.
   */
  follow(tenant: string, quota: MeteredQuota, source: UsageSource, signal: AbortSignal): Promise<void>;
}

export interface MeasuringDeps {
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly onError: (error: unknown) => void;
}

/** How old a measurement becomes before there is a new one, if it took no time. */
export const MEASURE_INTERVAL_MS = 10_000;
/** Measuring takes this share of the time at most: who has so many records is measured more seldom. */
const SHARE = 1 / 20;

/**
 * One measurement of a tenant serves all servers: who finds a fresh one takes it over. They may still measure at once,
 * which does no harm.
 */
export function createMeasuring({ clock, random, onError }: MeasuringDeps): Measuring {
  const stopping = new AbortController();

  const measure = async (tenant: string, quota: MeteredQuota, source: UsageSource, signal: AbortSignal) => {
    const take = quota.measuring();
    const latest = await source.latest(tenant);
    if (latest !== null && latest.ageMs < MEASURE_INTERVAL_MS / 2) return take(latest.usage);
    take(await source.measure(tenant, signal));
  };

  const keep = async (tenant: string, quota: MeteredQuota, source: UsageSource, signal: AbortSignal) => {
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      try {
        await measure(tenant, quota, source, signal);
      } catch (error) {
        if (!signal.aborted) onError(error);
      }
      const tookMs = clock.monotonicMs() - startedMs;
      const restMs = Math.max(MEASURE_INTERVAL_MS, tookMs / SHARE) * (0.9 + random() * 0.2);
      await clock.sleep(restMs, signal).catch(() => undefined);
    }
  };

  return {
    async follow(tenant, quota, source, signal) {
      const take = quota.measuring();
      const latest = await source.latest(tenant).catch(onError);
      if (latest) take(latest.usage);
      void keep(tenant, quota, source, AbortSignal.any([signal, stopping.signal]));
    },
    [Symbol.dispose]: () => stopping.abort(new Error("the server stops")),
  };
}

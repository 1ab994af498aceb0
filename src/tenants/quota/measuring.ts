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

  /** Resolves to whether there was one. */
  const takeOver = async (tenant: string, quota: MeteredQuota, source: UsageSource, ageMsMax: number) => {
    const askedMs = clock.monotonicMs();
    const latest = await source.latest(tenant);
    if (latest === null || latest.ageMs > ageMsMax) return false;
    quota.measured(latest.usage, latest.ageMs + clock.monotonicMs() - askedMs);
    return true;
  };

  const measure = async (tenant: string, quota: MeteredQuota, source: UsageSource, signal: AbortSignal) => {
    const startedMs = clock.monotonicMs();
    const usage = await source.measure(tenant, signal);
    quota.measured(usage, clock.monotonicMs() - startedMs);
  };

  const keep = async (tenant: string, quota: MeteredQuota, source: UsageSource, signal: AbortSignal) => {
    // At first for itself: a quota that takes the place of another does not know what that one has counted since.
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const startedMs = clock.monotonicMs();
      try {
        const isFresh = !isFirst && (await takeOver(tenant, quota, source, MEASURE_INTERVAL_MS / 2));
        if (!isFresh) await measure(tenant, quota, source, signal);
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
      await takeOver(tenant, quota, source, Number.POSITIVE_INFINITY).catch(onError);
      void keep(tenant, quota, source, AbortSignal.any([signal, stopping.signal]));
    },
    [Symbol.dispose]: () => stopping.abort(new Error("the server stops")),
  };
}

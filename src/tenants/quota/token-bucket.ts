import type { Clock } from "../../clock.ts";

/**
 * Fills at a rate up to a burst. It may be overdrawn: what is taken is known only after the fact, and is paid back before
 * anything more is given. So the rate holds in the long run, and a burst is exceeded by what was under way at most.
 */
export interface TokenBucket {
  /** As many as it holds now; negative when it is overdrawn. */
  tokens(): number;
  /** How long until there is a whole token, in ms; 0 when there is one. */
  waitMs(): number;
  take(): void;
}

/** A token that was filled in many small parts. */
const WHOLE = 1 - 1e-9;

export function createTokenBucket(perSecond: number, burst: number, clock: Pick<Clock, "monotonicMs">): TokenBucket {
  let tokens = burst;
  let filledMs = clock.monotonicMs();
  const fill = () => {
    const nowMs = clock.monotonicMs();
    tokens = Math.min(burst, tokens + ((nowMs - filledMs) * perSecond) / 1000);
    filledMs = nowMs;
  };
  return {
    tokens() {
      fill();
      return tokens;
    },
    waitMs() {
      fill();
      return tokens >= WHOLE ? 0 : ((1 - tokens) * 1000) / perSecond;
    },
    take() {
      fill();
      tokens--;
    },
  };
}

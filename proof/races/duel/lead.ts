/** How long before the other side one side is let go, so that both win about as often: found by trying. */
export interface Lead {
  readonly ms: number;
  /** The side won so many of so many. */
  learn(won: number, of: number): void;
}

const STEP_MS = 0.5;
const LEAD_MS_MAX = 60;

export function createLead(firstMs: number, wantedShare: number): Lead {
  let ms = firstMs;
  return {
    get ms() {
      return ms;
    },
    learn(won, of) {
      if (of === 0) return;
      const off = wantedShare - won / of;
      const stepMs = Math.abs(off) > 0.15 ? Math.max(2, Math.abs(ms) / 3) : STEP_MS;
      if (Math.abs(off) > 0.05) ms += Math.sign(off) * stepMs;
      ms = Math.max(-LEAD_MS_MAX, Math.min(LEAD_MS_MAX, ms));
    },
  };
}

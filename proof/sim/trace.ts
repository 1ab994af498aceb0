/** What happens, step by step in words; each line says when, to whom, and what. */
export interface Trace {
  tell(who: string, what: string): void;
  readonly lines: readonly string[];
}

/** @param isWanted false: nothing is kept, and `tell` costs a call */
export function createTrace(nowMs: () => number, isWanted: boolean): Trace {
  const lines: string[] = [];
  return {
    tell(who, what) {
      if (isWanted) lines.push(`${(nowMs() / 1000).toFixed(6).padStart(11)} s  ${who.padEnd(12)}  ${what}`);
    },
    lines,
  };
}

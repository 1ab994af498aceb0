/**
 * What a check has found.
 *
 * - `ok`: as it should be
 * - `warning`: will become a problem, or costs something
 * - `problem`: something does not work, or loses what was promised
 * - `skipped`: could not be looked at
 */
export type Level = "ok" | "warning" | "problem" | "skipped";

export interface Finding {
  /** Which check it was, in one word. */
  readonly check: string;
  readonly level: Level;
  /** One sentence. */
  readonly sentence: string;
  /** What to do; null: nothing. */
  readonly mend: string | null;
}

/** Findings of one check. */
export interface Findings {
  ok(sentence: string): Finding;
  warning(sentence: string, mend: string): Finding;
  problem(sentence: string, mend: string): Finding;
  skipped(sentence: string, mend?: string): Finding;
  /** A warning from the first number on, a problem from the second. */
  above(value: number, warningFrom: number, problemFrom: number, sentence: string, mend: string): Finding | null;
}

export function findingsOf(check: string): Findings {
  const finding = (level: Level, sentence: string, mend: string | null): Finding => {
    // Some sentences say what to do themselves.
    return { check, level, sentence, mend: mend === "" ? null : mend };
  };
  return {
    ok: (sentence) => finding("ok", sentence, null),
    warning: (sentence, mend) => finding("warning", sentence, mend),
    problem: (sentence, mend) => finding("problem", sentence, mend),
    skipped: (sentence, mend) => finding("skipped", sentence, mend ?? null),
    above(value, warningFrom, problemFrom, sentence, mend) {
      if (value >= problemFrom) return finding("problem", sentence, mend);
      return value >= warningFrom ? finding("warning", sentence, mend) : null;
    },
  };
}

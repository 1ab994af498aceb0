import { type StoredRecord, sameBytes } from "../../../src/domain/record.ts";
import { decide, type Step, wordsOf } from "./steps.ts";

/** Both sides of one trial, what was there before and what is there now. */
export interface Duel {
  readonly before: StoredRecord;
  readonly a: readonly Step[];
  readonly b: readonly Step[];
  readonly after: StoredRecord | null;
}

/**
 * The orders in which the calls of both sides may have happened one after the other, each at once: those in which the
 * reducer gives every answer that was given, and leaves the record that was left. Written as "aba": who was when. None: the
 * answers contradict each other. More than one: the calls did not get in each other's way, so nobody can tell.
 */
export function legalOrders({ before, a, b, after }: Duel): readonly string[] {
  const found: string[] = [];
  const go = (stored: StoredRecord | null, i: number, j: number, order: string) => {
    const [nextA, nextB] = [a[i], b[j]];
    if (nextA === undefined && nextB === undefined && isSame(stored, after)) found.push(order);
    for (const [step, who] of [[nextA, "a"] as const, [nextB, "b"] as const]) {
      if (step === undefined) continue;
      const { answer, next } = decide(stored, step, step.answer.now);
      if (isSame(answer, step.answer))
        go(next ?? stored, i + Number(who === "a"), j + Number(who === "b"), order + who);
    }
  };
  go(before, 0, 0, "");
  return found;
}

/** For the report of a violation. */
export function story({ before, a, b, after }: Duel): string {
  const words = (steps: readonly Step[]) => steps.map(wordsOf).join(", then ");
  return `${before.key.key}: one was told ${words(a)}; the other ${words(b)}; it is left ${after?.state ?? "absent"}`;
}

/** Flags of those who wait come and go without a change. */
function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return sameBytes(a, b);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  const [one, other] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>];
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  names.delete("hasWaiters");
  for (const name of names) if (!isSame(one[name], other[name])) return false;
  return true;
}

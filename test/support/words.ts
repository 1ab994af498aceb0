import type { ClaimAnswer, FinishAnswer, HeartbeatAnswer } from "../../src/domain/calls.ts";

/** An answer in the words of the contract's tables. */
export function claimWords(answer: ClaimAnswer): string {
  if (answer.kind === "fault") return answer.code;
  return answer.kind === "acquired" ? `acquired ${answer.reason}` : answer.kind;
}

export function heartbeatWords(answer: HeartbeatAnswer): string {
  return answer.kind === "fault" ? answer.code : answer.kind;
}

export function finishWords(answer: FinishAnswer): string {
  if (answer.kind === "fault") return answer.code;
  if (answer.alreadyApplied) return "already applied";
  return answer.late ? `${answer.state}, late` : answer.state;
}

/** How often each word was said. */
export function tally(words: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted(([a], [b]) => a.localeCompare(b)));
}

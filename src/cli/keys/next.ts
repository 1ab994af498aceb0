import { isLapsed } from "./standing.ts";
import type { RecordView } from "./view.ts";
import { when } from "./when.ts";

const NO_WORKER = "Holdfast does no work by itself: somebody must send the request, or the job, again.";

const UNKNOWN_STAYS = "the outcome is unknown until somebody says what it was";

/** What becomes of a record if nobody does anything, as sentences. */
export function nextOf(record: RecordView): readonly string[] {
  const { policy } = record;
  switch (record.state) {
    case "in-progress":
      if (record.reconciling) {
        return [
          `If that lease runs out, ${UNKNOWN_STAYS}.`,
          "If the attempt in doubt completes it, or fails it for good, that counts.",
        ];
      }
      if (isLapsed(record)) return lapsed(record);
      if (policy?.hold === true) {
        return [`If the lease runs out, nobody takes over, because it was claimed with HOLD: ${UNKNOWN_STAYS}.`];
      }
      return isLastAttempt(record)
        ? [`If the lease runs out, the record fails for good: ${policy?.maxAttempts} attempts are allowed.`]
        : [`If the lease runs out, the next claim takes over as attempt ${record.attempt + 1}.`];
    case "available":
      return available(record);
    case "outcome-unknown":
      return [
        "Nothing: nobody can claim it until somebody says what the outcome was.",
        "A reconciler can, an operator can, and so can the attempt itself, if it is alive.",
      ];
    case "failed":
      return isLastAttempt(record) ? [forgottenAt(record)] : [forgottenAt(record), RETRIED];
    case "completed":
    case "expired":
      return [forgottenAt(record)];
  }
}

const RETRIED = "A claim that accepts no failure (REUSE_POLICY_RETRY_FAILED) tries it again before that.";

function forgottenAt({ tombstoneExpireMs, nowMs }: RecordView): string {
  return `It is forgotten at ${when(tombstoneExpireMs, nowMs)}; a claim after that does the work again.`;
}

function lapsed(record: RecordView): readonly string[] {
  const { attempt, policy } = record;
  const late = "Until then the holder, if it is alive, can still end it.";
  if (isLastAttempt(record)) {
    return [
      `It fails for good with the next claim, or by itself soon: ${policy?.maxAttempts} attempts are allowed.`,
      late,
    ];
  }
  return [
    `The next claim takes over as attempt ${attempt + 1}. ${late}`,
    NO_WORKER,
    ...forgotten(record, record.leaseExpireMs),
  ];
}

function available(record: RecordView): readonly string[] {
  const { attempt, policy, dueMs, nowMs } = record;
  if (policy === null)
    return ["The next claim is a first claim: attempt 1, with an input and a policy of its own.", NO_WORKER];
  const claim = `the next claim begins attempt ${attempt + 1}${ofAtMost(policy.maxAttempts)}.`;
  const isDue = dueMs === null || dueMs <= nowMs;
  return [isDue ? capital(claim) : `From then on ${claim}`, NO_WORKER, ...forgotten(record, dueMs)];
}

/** The sweeper deletes what nobody has come for, once a result would not be kept any longer either. */
function forgotten({ policy, nowMs }: RecordView, sinceMs: number | null): readonly string[] {
  if (policy === null || sinceMs === null) return [];
  return [`If nobody does, it is deleted, but not before ${when(sinceMs + policy.resultRetentionMs, nowMs)}.`];
}

function ofAtMost(maxAttempts: number): string {
  return maxAttempts === 0 ? "" : ` of at most ${maxAttempts}`;
}

export function isLastAttempt({ attempt, policy }: RecordView): boolean {
  return policy !== null && policy.maxAttempts > 0 && attempt >= policy.maxAttempts;
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

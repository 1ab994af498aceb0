import {
  type AttemptFailure,
  ExpiredError,
  FailedError,
  FieldInvalidError,
  FingerprintMismatchError,
  type Holdfast,
  HoldfastError,
  InvalidInputError,
  OutcomeUnknownError,
  ResultUnavailableError,
  TimeoutError,
} from "../../client/public.ts";
import type { ConsumerOptions, Settled } from "./options.ts";

/** Does one message, and never throws. */
export async function consume<Message>(
  holdfast: Holdfast,
  options: ConsumerOptions<Message>,
  message: Message,
): Promise<Settled<Message>> {
  const { waitMs = 0, answerTimeoutMs = 10_000 } = options;
  const thrown: { error?: { readonly value: unknown } } = {};
  const read = readMessage(options, message);
  if ("error" in read) return unusable(options, message, read.error);
  try {
    const name = { scope: options.scope, ...read };
    const bounds = { waitMs, timeoutMs: waitMs + answerTimeoutMs };
    const { value, replayed } = await holdfast.once({ ...claimOf(options), ...name, ...bounds }, async (attempt) => {
      try {
        return await options.work(message, attempt);
      } catch (error) {
        thrown.error = { value: error };
        throw error;
      }
    });
    return replayed ? { message, verdict: "ack", kind: "replayed" } : { message, verdict: "ack", kind: "done", value };
  } catch (error) {
    return thrown.error === undefined
      ? settleClaim(options, message, error)
      : settleWork(options, message, thrown.error.value);
  }
}

/** It never gets any better: the message fails for good, and its batch and its queue do not with it. */
export function unusable<Message>(
  { onFailed = "dead-letter" }: ConsumerOptions<Message>,
  message: Message,
  error: unknown,
): Settled<Message> {
  return { message, verdict: onFailed, kind: "failed", error, isFinal: true };
}

function readMessage<Message>({ key, input }: ConsumerOptions<Message>, message: Message) {
  try {
    const name = key(message);
    if (typeof name !== "string") throw new TypeError("the message has no key: `key` must give text");
    return { key: name, input: input(message) };
  } catch (error) {
    return { error };
  }
}

function settleWork<Message>(options: ConsumerOptions<Message>, message: Message, thrown: unknown): Settled<Message> {
  const { onFailed = "dead-letter", onOutcomeUnknown = "redeliver", onLeaseExpiry = "reacquire" } = options;
  const failure = isWord(thrown) ? thrown : undefined;
  const error = failure?.cause ?? thrown;
  if (failure?.kind === "terminal") return { message, verdict: onFailed, kind: "failed", error, isFinal: true };
  const isUnknown = failure?.kind === "outcome-unknown" || (failure === undefined && onLeaseExpiry === "hold");
  const verdict = isUnknown ? onOutcomeUnknown : "redeliver";
  return { message, verdict, kind: "failed", error, isFinal: false, retryAfterMs: failure?.delayMs || undefined };
}

/** What `terminal` and its like have made. */
function isWord(thrown: unknown): thrown is AttemptFailure {
  return thrown instanceof Error && thrown.name === "AttemptFailure";
}

/** The work has not run; or it has, and whether its result is stored is not known. */
function settleClaim<Message>(options: ConsumerOptions<Message>, message: Message, error: unknown): Settled<Message> {
  const { onFailed = "dead-letter", onOutcomeUnknown = "redeliver", onIdReused = "dead-letter" } = options;
  // Done, and what came of it is of no use to a queue.
  if (error instanceof ResultUnavailableError) return { message, verdict: "ack", kind: "replayed" };
  if (error instanceof ExpiredError && error.endState === "completed")
    return { message, verdict: "ack", kind: "replayed" };
  if (error instanceof ExpiredError || error instanceof FailedError) {
    return { message, verdict: onFailed, kind: "failed", error, isFinal: true };
  }
  if (error instanceof OutcomeUnknownError)
    return { message, verdict: onOutcomeUnknown, kind: "outcome-unknown", error };
  if (error instanceof FingerprintMismatchError) return { message, verdict: onIdReused, kind: "id-reused", error };
  if (error instanceof TimeoutError && error.lastOutcome !== undefined) {
    return { message, verdict: "redeliver", kind: "elsewhere", retryAfterMs: error.retryAfterMs };
  }
  if (isOfMessage(error)) return unusable(options, message, error);
  // Anything else may be said of every message: a wrong option of this service's would dead-letter the whole queue.
  const retryAfterMs = error instanceof HoldfastError ? error.retryAfterMs : undefined;
  return { message, verdict: "redeliver", kind: "unavailable", error, retryAfterMs };
}

/** Its id is none, or its input is: whoever sent it has to send another. */
function isOfMessage(error: unknown): boolean {
  if (error instanceof InvalidInputError) return true;
  const isField = error instanceof FieldInvalidError && error.violations.length > 0;
  return isField && error.violations.every(({ field }) => field === "key.key");
}

function claimOf<Message>(options: ConsumerOptions<Message>) {
  const { leaseMs, onLeaseExpiry, maxAttempts, maxExecutionMs, resultRetentionMs, tombstoneRetentionMs } = options;
  const given = { leaseMs, onLeaseExpiry, maxAttempts, maxExecutionMs, resultRetentionMs, tombstoneRetentionMs };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

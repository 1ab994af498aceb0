import type { Attempt, ClaimOptions, HoldfastError } from "../../client/public.ts";
import { checkClaimOptions, oneOf, within } from "../claim-options.ts";

/** What a queue is to do with a message. */
export type Verdict =
  /** It is done, now or before, and goes. */
  | "ack"
  /** It comes again, and with it another try. */
  | "redeliver"
  /** It will never be done: it goes where such messages go. */
  | "dead-letter";

interface Told<Message> {
  readonly message: Message;
  readonly verdict: Verdict;
  /** Of what is to come again: how long that had better take. Undefined: nobody knows. */
  readonly retryAfterMs?: number | undefined;
}

/** What became of one message. */
export type Settled<Message> = Told<Message> &
  (
    | { readonly kind: "done"; readonly value: unknown }
    /** Somebody has done it before, or has done it meanwhile. */
    | { readonly kind: "replayed" }
    /** Somebody else is at it, or it is scheduled for later. */
    | { readonly kind: "elsewhere" }
    /** Not begun, because one before it, in its group, is not done. */
    | { readonly kind: "held-back" }
    /** The work threw, now or in an attempt that was its last. */
    | { readonly kind: "failed"; readonly error: unknown; readonly isFinal: boolean }
    /** Nobody knows whether it was done: see `Holdfast.reconcile`. */
    | { readonly kind: "outcome-unknown"; readonly error: HoldfastError }
    /** Another message with the same id came before. */
    | { readonly kind: "id-reused"; readonly error: HoldfastError }
    /**
     * Holdfast did not answer, or not in time, or has refused what this service says of every message; the work may have
     * run, and then this is not known to be stored.
     */
    | { readonly kind: "unavailable"; readonly error: unknown }
  );

/**
 * Leases and visibility: a message that the queue gives out again while its work runs is found in progress and left
 * alone, so the two times need not fit each other. The lease says how soon another consumer takes over from one that
 * has crashed, and is extended by itself while the work runs; the queue's visibility timeout says how often somebody
 * looks. A visibility timeout below the time that the work takes costs deliveries, which a queue may count: with a limit
 * on them, keep it above.
 */
export interface ConsumerOptions<Message>
  extends Pick<
    ClaimOptions,
    "leaseMs" | "onLeaseExpiry" | "maxAttempts" | "maxExecutionMs" | "resultRetentionMs" | "tombstoneRetentionMs"
  > {
  /** What kind of work, as in `once`. */
  readonly scope: string;
  /** The message's id, given by whoever sent it: the queue's own is another one each time it is sent. */
  readonly key: (message: Message) => string;
  /** What must be the same when the id comes again. */
  readonly input: (message: Message) => unknown;
  readonly work: (message: Message, attempt: Attempt) => unknown;
  /** 1 to 1000, default 10: how many messages of a batch are worked on at once. */
  readonly concurrency?: number;
  /**
   * Messages of one group are worked on in their order, and none after one that is to come again. Default: no groups. A
   * message for which it throws has failed for good, as one for which `key` or `input` does.
   */
  readonly group?: (message: Message) => string | undefined;
  /** 0 to 60 000 ms: how long to wait for somebody else's work. Default 0: the message is left to come again. */
  readonly waitMs?: number;
  /** From 1 ms, default 10 000: how long to wait for Holdfast itself. */
  readonly answerTimeoutMs?: number;
  /** What to do with a message whose work has failed for good. Default "dead-letter". */
  readonly onFailed?: Verdict;
  /** And with one of which nobody knows whether it was done. Default "redeliver": somebody may find out meanwhile. */
  readonly onOutcomeUnknown?: Verdict;
  /** And with one whose id was used before, for another message. Default "dead-letter". */
  readonly onIdReused?: Verdict;
  /** Takes what is to be dead-lettered, where the queue does not; when it throws, the message comes again. */
  readonly deadLetter?: (settled: Settled<Message>) => Promise<void>;
}

/** @throws TypeError that names the option and what is allowed */
export function checkConsumerOptions<Message>(options: ConsumerOptions<Message>): void {
  const { scope } = options;
  const fits = typeof scope === "string" && scope.isWellFormed() && !scope.includes("\0");
  const bytes = fits ? new TextEncoder().encode(scope).length : 0;
  if (bytes < 1 || bytes > 128) throw new TypeError("scope must be 1 to 128 bytes of well-formed text without U+0000");
  for (const name of ["key", "input", "work"] as const) {
    if (typeof options[name] !== "function") throw new TypeError(`${name} must be a function of the message`);
  }
  for (const name of ["group", "deadLetter"] as const) {
    const given = options[name];
    if (given !== undefined && typeof given !== "function")
      throw new TypeError(`${name} must be a function, or left out`);
  }
  checkClaimOptions(options);
  within("concurrency", options.concurrency, 1, 1000, 0);
  within("waitMs", options.waitMs, 0, 60_000, 0);
  within("answerTimeoutMs", options.answerTimeoutMs, 1, 2 ** 31 - 1, 0);
  for (const name of ["onFailed", "onOutcomeUnknown", "onIdReused"] as const) {
    oneOf(name, options[name], ["ack", "redeliver", "dead-letter"]);
  }
}

import { create } from "@bufbuild/protobuf";
import {
  Finish_Reason as FinishReason,
  type WaitTarget as WaitTargetMessage,
  WaitTargetSchema,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type BackOff, createBackOff } from "./back-off.ts";
import type { Serializer } from "./content.ts";
import { AnswerIncompleteError, TimeoutError } from "./errors.ts";
import { fingerprintBy } from "./fingerprint.ts";
import { checkText, checkTimeoutMs, LIMITS } from "./limits.ts";
import { follow, type Runtime } from "./runtime.ts";
import type { WaitEnd, WaitEvent, WaitTarget } from "./wait-event.ts";
import { createWaitMemory, type WaitMemory } from "./wait-memory.ts";
import { openWaitStream } from "./wait-stream.ts";
import { toHoldfastError } from "./wire-error.ts";

export interface ResultOptions<T> {
  /** How long to wait, in milliseconds. Default: for ever. */
  readonly timeoutMs?: number;
  /** Gives up waiting. */
  readonly signal?: AbortSignal;
  /** A record that is not there is an error, RECORD_NOT_FOUND, instead of being waited for. Default false. */
  readonly mustExist?: boolean;
  /** Default: JSON, and bytes as they are. */
  readonly serializer?: Serializer<T>;
}

export interface WaitForOptions<T> extends ResultOptions<T> {
  /** When the wait is over: when "all" targets have ended, the default, or "any" of them. */
  readonly mode?: "all" | "any";
  /** Have the results, and the errors of failed records, sent and decoded. Default true. */
  readonly includeResult?: boolean;
}

/** What one call of the server takes. */
const TARGETS_MAX = 100;

/** Waits for records; see `Holdfast.waitFor`. What is wrong with the targets is thrown at once. */
export function waitFor<T>(
  runtime: Runtime,
  targets: readonly WaitTarget[],
  options: WaitForOptions<T>,
): AsyncGenerator<WaitEvent<T>, void, undefined> {
  if (targets.length === 0 || targets.length > TARGETS_MAX) {
    throw new TypeError(`waitFor takes 1 to ${TARGETS_MAX} targets, not ${targets.length}`);
  }
  const { includeResult = true, serializer, timeoutMs = Number.POSITIVE_INFINITY } = options;
  checkTimeoutMs(timeoutMs);
  const asked = targets.map((target, index) => ({
    message: targetMessage(runtime, target),
    memory: createWaitMemory<T>(target, index, { includeResult, serializer }),
  }));
  return eventsOf(runtime, asked, options);
}

/** Waits for one record; see `Holdfast.result`. */
export async function result<T>(runtime: Runtime, target: WaitTarget, options: ResultOptions<T>): Promise<T> {
  for await (const event of waitFor<T>(runtime, [target], options)) {
    if (event.kind === "ended") return resultOf(event.end);
  }
  throw new AnswerIncompleteError("that the wait is over, and did not tell the end");
}

function resultOf<T>(end: WaitEnd<T>): T {
  if (end.kind === "completed") return end.value;
  throw end.error;
}

interface Asked<T> {
  readonly message: WaitTargetMessage;
  readonly memory: WaitMemory<T>;
}

async function* eventsOf<T>(
  runtime: Runtime,
  asked: readonly Asked<T>[],
  options: WaitForOptions<T>,
): AsyncGenerator<WaitEvent<T>, void, undefined> {
  const { clock, lifetime } = runtime;
  const { timeoutMs = Number.POSITIVE_INFINITY, signal } = options;
  const limit = new AbortController();
  const timedOut = Symbol("timed out");
  const unfollow = follow(limit, [signal, lifetime.closing]);
  const cancelTimeout = clock.after(timeoutMs, () => limit.abort(timedOut));
  const endMs = clock.monotonicMs() + timeoutMs;
  const backOff = createBackOff(runtime);
  try {
    for (let isOver = false; !isOver; )
      isOver = yield* eventsOfOneStream(runtime, asked, options, { endMs, limit: limit.signal, backOff });
  } catch (error) {
    if (error !== timedOut) throw error;
    const open = asked.filter(({ memory }) => !memory.hasEnded).length;
    const cause = backOff.lastError === undefined ? undefined : toHoldfastError(backOff.lastError);
    throw new TimeoutError(timeoutMs, undefined, { cause }, `${open} of ${asked.length} records have not ended`);
  } finally {
    cancelTimeout();
    unfollow();
  }
}

interface Bounds {
  /** Monotonic. */
  readonly endMs: number;
  readonly limit: AbortSignal;
  readonly backOff: BackOff;
}

/** Asks for those that have not ended; returns whether the wait is over, and if it is not, after a pause. */
async function* eventsOfOneStream<T>(
  runtime: Runtime,
  asked: readonly Asked<T>[],
  { mode = "all", includeResult = true, mustExist = false }: WaitForOptions<T>,
  { endMs, limit, backOff }: Bounds,
): AsyncGenerator<WaitEvent<T>, boolean, undefined> {
  const { clock } = runtime;
  limit.throwIfAborted();
  const open = asked.filter(({ memory }) => !memory.hasEnded);
  const targets = open.map(({ message }) => message);
  const call = { targets, mode, includeResult, mustExist, timeoutMs: endMs - clock.monotonicMs() };
  backOff.begun();
  const stream = openWaitStream(runtime, call, limit);
  let ended: { readonly error: unknown } | undefined;
  try {
    while (ended === undefined) {
      const told = await stream.next().catch((error: unknown) => ({ error }));
      limit.throwIfAborted();
      if ("error" in told) {
        ended = told;
        continue;
      }
      backOff.heard();
      const { event, targetIndex } = told;
      const shown = event.case === "finish" ? undefined : open[targetIndex]?.memory.take(event);
      if (shown !== undefined) yield shown;
      if (event.case !== "finish") continue;
      if (event.value.reason === FinishReason.DONE) return true;
      ended = { error: undefined };
    }
  } finally {
    stream.close();
  }
  if (isOver(asked, mode)) return true;
  await clock.sleep(pauseMs(backOff, ended.error), limit);
  return false;
}

/** Also without the server's word for it, which may be lost. */
function isOver(asked: readonly Asked<unknown>[], mode: "all" | "any"): boolean {
  const ends = asked.filter(({ memory }) => memory.hasEnded).length;
  return ends === asked.length || (mode === "any" && ends > 0);
}

function pauseMs(backOff: BackOff, error: unknown): number {
  try {
    return backOff.pauseMs(error);
  } catch (last) {
    throw toHoldfastError(last);
  }
}

function targetMessage(
  runtime: Runtime,
  { scope, key, tenant = runtime.tenant, ...of }: WaitTarget,
): WaitTargetMessage {
  checkText("tenant", tenant, LIMITS.tenant);
  checkText("key.scope", scope, LIMITS.scope);
  checkText("key.key", key, LIMITS.key);
  if (of.input !== undefined && of.fingerprint !== undefined) {
    throw new TypeError("a target has an input or a fingerprint, not both");
  }
  const digest = of.input === undefined ? of.fingerprint : fingerprintBy(runtime.platform, of.input);
  return create(WaitTargetSchema, { key: { tenant, scope, key }, ...(digest && { fingerprint: digest }) });
}

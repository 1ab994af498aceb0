import {
  type Attempt,
  type Holdfast,
  HoldfastError,
  LeaseLostError,
  notStarted,
  outcomeUnknown,
  ResultConflictError,
  ResultUnavailableError,
  retryable,
  UnprotectedError,
} from "../../client/public.ts";
import { readInput } from "./input.ts";
import { readKey } from "./key.ts";
import { type Disposition, type IdempotencyOptions, type Settings, settle } from "./options.ts";
import { type ProblemCode, type ProblemDetail, problem } from "./problem.ts";
import { refusalOf } from "./refusal.ts";
import { type Call, recordKey, scopeOf } from "./request.ts";
import {
  type Answer,
  type CapturedResponse,
  type HeaderList,
  isResponse,
  responseSerializer,
  toStore,
} from "./response.ts";

/** Runs the handler, and tells what it has answered once it has. */
export type Run = (attempt: Attempt) => Promise<CapturedResponse>;

export type Handled =
  /** Not for this middleware: the handler has not run, and is to run as if it were not there. */
  | { readonly kind: "passed" }
  /** The handler has run, and its answer is to be sent, with these headers on it. */
  | { readonly kind: "ran"; readonly marks: HeaderList }
  /** This is to be sent. If the handler has run all the same, its answer does not count. */
  | { readonly kind: "answer"; readonly answer: Answer };

/** What the adapters of all frameworks stand on. */
export interface Idempotency<Req> {
  readonly requestBytesMax: number;
  readonly responseBytesMax: number;
  readonly onDisconnect: "finish" | "abort";
  /** @throws what the handler throws */
  handle(call: Call<Req>, run: Run): Promise<Handled>;
}

const PASSED: Handled = { kind: "passed" };
const RAN: Handled = { kind: "ran", marks: [] };
const UNPROTECTED: Handled = { kind: "ran", marks: [["idempotency-unprotected", "true"]] };
/** Done, and not known to be stored: the same request may run the handler again. */
const UNCONFIRMED: Handled = { kind: "ran", marks: [["idempotency-unconfirmed", "true"]] };

/**
 * `Idempotency-Key` for the handlers of one HTTP API, as draft-ietf-httpapi-idempotency-key-header has it: give it to
 * `express`, `fastify`, `hono`, `nest` or `fetchHandler`. The first request with a key runs the handler; its answer is
 * stored before it is sent, and every other request with that key gets it.
 *
 * @throws TypeError that names the option and what is allowed
 */
export function createIdempotency<Req>(holdfast: Holdfast, options: IdempotencyOptions<Req>): Idempotency<Req> {
  const settings = settle(options);
  const { requestBytesMax, responseBytesMax, onDisconnect } = settings;

  return {
    ...{ requestBytesMax, responseBytesMax, onDisconnect },
    async handle(call, run) {
      const refuse = refuser(settings);
      if (!settings.protects(call.method)) return PASSED;
      const field = readKey(call.header("idempotency-key"), settings);
      if (field.kind === "absent") return settings.keyRequired ? refuse("key-missing") : PASSED;
      if (field.kind === "malformed") return refuse("key-malformed", { detail: `Idempotency-Key: ${field.why}.` });
      const input = await readInput(settings, call);
      if (input.kind === "refused") return refuse(input.code, input.more);
      const key = await recordKey(await settings.principal(call.request), field.key);
      const piece = { scope: await scopeOf(call), key, input: input.value, gone: call.gone };
      return await runOnce(holdfast, settings, piece, run);
    },
  };
}

interface Piece {
  readonly scope: string;
  readonly key: string;
  readonly input: unknown;
  readonly gone: AbortSignal;
}

/** How far the handler is. */
type Work = "waits" | "runs" | Ended;

/** It has answered, or has thrown; and what the record is to become of it. */
type Ended = { readonly threw: unknown } | { readonly becomes: Disposition };

/** The handler's answer is not stored; the next request may run it. */
class NotStored extends Error {
  override readonly name = "NotStored";
}

async function runOnce<Req>(
  holdfast: Holdfast,
  settings: Settings<Req>,
  { scope, key, input, gone }: Piece,
  run: Run,
): Promise<Handled> {
  const { waitMs, answerTimeoutMs, disposition, replayed: names } = settings;
  const state: { work: Work } = { work: "waits" };
  const ended = Promise.withResolvers<Ended>();
  const end = (how: Ended) => {
    state.work = how;
    ended.resolve(how);
  };
  const leaving = followUntil(gone, () => state.work === "waits" || settings.onDisconnect === "abort");
  const bounds = { waitMs, timeoutMs: waitMs + answerTimeoutMs, signal: leaving.signal };
  const named = { scope, key, input, serializer: responseSerializer };
  const work = async (attempt: Attempt) => {
    state.work = "runs";
    const captured = await run(attempt).catch((error: unknown) => {
      end({ threw: error });
      throw error;
    });
    if (!attempt.isProtected) {
      settings.onError(new UnprotectedError("no server could be asked"));
      return captured;
    }
    const becomes = disposition(captured);
    end({ becomes });
    if (becomes !== "store") throw WORDS[becomes](new NotStored(`the handler answered ${captured.status}`));
    return toStore(captured, names);
  };
  const settled = async () => {
    try {
      const done = await holdfast.once({ ...settings.claim, ...named, ...bounds }, work);
      if (done.replayed) return replay(settings, done.value);
      return done.protected ? RAN : UNPROTECTED;
    } catch (error) {
      return state.work === "waits" ? notClaimed(settings, error) : afterRun(settings, error, state.work);
    } finally {
      leaving.stop();
    }
  };
  return await inTime(settings, settled(), ended.promise);
}

/** What became of the record; or, when Holdfast does not say so in time, what is known without it. */
async function inTime<Req>(
  { clock, answerTimeoutMs, onError }: Settings<Req>,
  settled: Promise<Handled>,
  ended: Promise<Ended>,
): Promise<Handled> {
  const late = Promise.withResolvers<Handled>();
  let isSettled = false;
  let cancel = () => {};
  const isOver = (how: Ended) => {
    if ("threw" in how) return late.reject(how.threw);
    if (how.becomes === "store") onError(new HoldfastError("stored too late, or not", { reason: "UNCONFIRMED" }));
    late.resolve(how.becomes === "store" ? UNCONFIRMED : RAN);
  };
  ended.then((how) => {
    if (!isSettled) cancel = clock.after(answerTimeoutMs, () => isOver(how));
  });
  try {
    return await Promise.race([settled, late.promise]);
  } finally {
    isSettled = true;
    cancel();
  }
}

const WORDS = {
  retryable: (cause: Error) => retryable(cause),
  "not-started": (cause: Error) => notStarted(cause),
  "outcome-unknown": (cause: Error) => outcomeUnknown(cause),
} satisfies Record<Exclude<Disposition, "store">, unknown>;

function replay<Req>(settings: Settings<Req>, stored: unknown): Handled {
  if (!isResponse(stored) || stored.body === null) return refuser(settings)("result-not-kept");
  const { status, headers, body } = stored;
  // A second time, because another version of the service may have kept other names.
  const kept = headers.filter(([name]) => settings.replayed.has(name));
  return { kind: "answer", answer: { status, headers: [...kept, ["idempotency-replayed", "true"]], body } };
}

/** The handler has not run. */
function notClaimed<Req>(settings: Settings<Req>, error: unknown): Handled {
  const refusal = refusalOf(error);
  if (refusal === undefined) throw error;
  const { code, retryAfterMs } = refusal;
  if ((code === "unavailable" || code === "quota") && error !== GONE) settings.onError(error);
  return refuser(settings)(code, { retryAfterMs });
}

/** The handler has run, and its answer is not stored, or is not known to be. */
function afterRun<Req>(settings: Settings<Req>, error: unknown, work: Exclude<Work, "waits">): Handled {
  if (typeof work === "object" && "threw" in work) throw work.threw;
  if (error instanceof NotStored) return RAN;
  settings.onError(error);
  if (error instanceof LeaseLostError || error instanceof ResultConflictError) {
    return refuser(settings)("overtaken", { retryAfterMs: OVERTAKEN_RETRY_MS });
  }
  // The record has ended, though without a body that could be replayed.
  if (error instanceof ResultUnavailableError) return RAN;
  // The work is done, and its client is the last who must be told otherwise.
  return UNCONFIRMED;
}

const OVERTAKEN_RETRY_MS = 1_000;

function refuser<Req>({ documentation }: Settings<Req>) {
  return (code: ProblemCode, more?: ProblemDetail): Handled => ({
    kind: "answer",
    answer: problem(code, documentation, more),
  });
}

/** Aborted with the signal, if that is wanted then. */
function followUntil(signal: AbortSignal, isWanted: () => boolean) {
  const controller = new AbortController();
  const onAbort = () => {
    if (isWanted()) controller.abort(GONE);
  };
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  return { signal: controller.signal, stop: () => signal.removeEventListener("abort", onAbort) };
}

const GONE = new HoldfastError("the client has gone", { reason: "CLIENT_GONE" });

import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type WaitForRequest, type WaitForResponse, WaitMode } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { follow, type Runtime } from "./runtime.ts";

/** One call of WaitFor. */
export interface WaitStream {
  /**
   * The next message; the last one is a finish.
   *
   * @throws the signal's reason, or the error of the stream as the transport gave it; one that fell silent, or ended
   * without a finish, is Unavailable
   */
  next(): Promise<WaitForResponse>;
  /** Cancels what is left of it. */
  close(): void;
}

export interface WaitCall {
  readonly targets: WaitForRequest["targets"];
  readonly mode: "all" | "any";
  /** Up to Infinity; the server is asked for what it allows at most. */
  readonly timeoutMs: number;
  readonly includeResult: boolean;
  readonly mustExist: boolean;
}

const KEEP_ALIVE_MS = 15_000;
/** Of a stream that lives, one of two keep-alives arrives. */
const SILENCE_MS = 2 * KEEP_ALIVE_MS;
/** What the server takes. */
const TIMEOUT_MS_MIN = 1_000;
const TIMEOUT_MS_MAX = 600_000;

export function openWaitStream({ rpc, clock }: Runtime, call: WaitCall, signal: AbortSignal): WaitStream {
  const cancel = new AbortController();
  const unfollow = follow(cancel, [signal]);
  const timeoutMs = Math.ceil(Math.max(TIMEOUT_MS_MIN, Math.min(TIMEOUT_MS_MAX, call.timeoutMs)));
  const request = {
    targets: call.targets,
    mode: call.mode === "any" ? WaitMode.ANY : WaitMode.ALL,
    timeout: durationFromMs(timeoutMs),
    keepAliveInterval: durationFromMs(KEEP_ALIVE_MS),
    includeResult: call.includeResult,
    mustExist: call.mustExist,
  };
  const messages = rpc.waitFor(request, { signal: cancel.signal })[Symbol.asyncIterator]();
  const silence = unavailable(`the stream was silent for ${SILENCE_MS} ms`);

  return {
    async next() {
      // Only while somebody asks: a reader may take its time, and the stream fills up meanwhile.
      const disarm = clock.after(SILENCE_MS, () => cancel.abort(silence));
      try {
        const { done, value } = await messages.next();
        if (done) throw unavailable("the stream ended without a finish");
        return value;
      } catch (error) {
        signal.throwIfAborted();
        throw cancel.signal.reason === silence ? silence : error;
      } finally {
        disarm();
      }
    },
    close() {
      unfollow();
      // Also after its end, when it does nothing: connect's streams cannot be returned from.
      cancel.abort(CLOSED);
    },
  };
}

const CLOSED = new Error("the stream is not read any more");

function unavailable(message: string): ConnectError {
  return new ConnectError(message, Code.Unavailable);
}

import type { DescMessage, DescMethodServerStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { Credentials } from "../auth/authenticator.ts";
import type { LeftBehind } from "../operations/access.ts";

/** What a server adapter knows of a call. */
export interface CallContext extends Credentials {
  /** Fresh for each call; in every log line and INTERNAL error. */
  readonly requestId: string;
  /** Instant of `Clock.monotonicMs()`; Infinity without one. */
  readonly deadline: number;
  /** Aborted when the caller has gone or the deadline has passed. */
  readonly signal: AbortSignal;
  /** Says the same, see `Presence`. */
  whenGone?(who: LeftBehind): void;
  /** Aborted when the connection has reached its age: a stream is to end, and its caller to come again on another one. */
  readonly retiring: AbortSignal;
  /**
   * Resolves once it is known whether the answer has reached the caller's side: false when the connection broke first.
   * To be asked for before the call is answered.
   */
  answered(): Promise<boolean>;
  readonly transport: "grpc" | "http";
}

/**
 * Stands in for a request whose bytes or JSON could not be decoded, so that the failure is observed and answered
 * (INVALID_ARGUMENT, FIELD_INVALID) by the same pipeline as every other. A cause that is a `Fault` is answered as it is.
 */
export class Malformed {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** A method as the server adapters see it: the whole pipeline behind one function. Throws `RpcError` and nothing else. */
export type Endpoint = Sized &
  (
    | {
        readonly kind: "unary";
        readonly method: DescMethodUnary<DescMessage, DescMessage>;
        call(request: Message | Malformed, context: CallContext): Promise<Message>;
      }
    | {
        readonly kind: "server_streaming";
        readonly method: DescMethodServerStreaming<DescMessage, DescMessage>;
        call(request: Message | Malformed, context: CallContext): AsyncIterable<Message>;
      }
  );

interface Sized {
  /** How large an answer is before it is encoded, about; absent if answers are always small. */
  bytesOf?(answer: Message): number;
}

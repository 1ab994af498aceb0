import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  Message,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";

/** What a server adapter knows of a call. */
export interface CallContext {
  /** Fresh for each call; in every log line and INTERNAL error. */
  readonly requestId: string;
  /** Instant of `Clock.monotonicMs()`; Infinity without one. */
  readonly deadline: number;
  /** Aborted when the caller has gone or the deadline has passed. */
  readonly signal: AbortSignal;
  /** ASCII metadata by lower-case name. */
  metadata(name: string): string | undefined;
  readonly transport: "grpc" | "http";
}

/** A method as the server adapters see it: the whole pipeline behind one function. Throws `RpcError` and nothing else. */
export type Endpoint =
  | {
      readonly kind: "unary";
      readonly method: DescMethodUnary;
      call(request: Message, context: CallContext): Promise<Message>;
    }
  | {
      readonly kind: "server_streaming";
      readonly method: DescMethodServerStreaming;
      call(request: Message, context: CallContext): AsyncIterable<Message>;
    };

/** One RPC: decode, call, encode. No try, no logging, no metrics, no validation, no SQL. */
export type UnaryHandler<Input extends DescMessage, Output extends DescMessage> = (
  request: MessageShape<Input>,
  context: CallContext,
) => Promise<MessageInitShape<Output>>;

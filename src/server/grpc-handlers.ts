import { constants } from "node:http2";
import type { Message } from "@bufbuild/protobuf";
import type { handleServerStreamingCall, handleUnaryCall, UntypedHandleCall } from "@grpc/grpc-js";
import { type Endpoint, Malformed } from "../rpc/endpoint.ts";
import type { Log } from "../telemetry/log.ts";
import { streamOf } from "./grpc-answered.ts";
import { type GrpcCall, GrpcContext, type GrpcContextDeps } from "./grpc-context.ts";
import { BAD_TIMEOUT_HEADER } from "./grpc-door.ts";
import { grpcStatus } from "./grpc-status.ts";
import { dismissSlowReader, takenInTime } from "./slow-reader.ts";

export interface HandlerDeps extends GrpcContextDeps {
  readonly log: Log;
}

type Request = Message | Malformed;
type StreamingEndpoint = Extract<Endpoint, { readonly kind: "server_streaming" }>;

export function grpcHandler(endpoint: Endpoint, deps: HandlerDeps): UntypedHandleCall {
  switch (endpoint.kind) {
    case "unary":
      return unaryHandler(endpoint, deps);
    case "server_streaming":
      return streamHandler(endpoint, deps);
  }
}

function unaryHandler(
  { call: answer }: Extract<Endpoint, { readonly kind: "unary" }>,
  deps: HandlerDeps,
): handleUnaryCall<Request, Message> {
  return (call, respond) => {
    const context = new GrpcContext(call, deps);
    answer(requestOf(call), context)
      .finally(() => context.end())
      .then(
        (response) => respond(null, response),
        (error: unknown) => respond(grpcStatus(error)),
      )
      // Answering a call whose connection has just broken may throw; nobody is left to be told.
      .catch((error: unknown) => deps.log.warn({ error }, "a call could not be answered"));
  };
}

function streamHandler(endpoint: StreamingEndpoint, deps: HandlerDeps): handleServerStreamingCall<Request, Message> {
  return (call) => {
    sendAll(endpoint, call, deps).catch((error: unknown) => {
      deps.log.warn({ error }, "a stream could not be ended");
    });
  };
}

type StreamCall = Parameters<handleServerStreamingCall<Request, Message>>[0];

/** Asks for the next message only when the last one has left: of a slow reader there is one message, and no queue. */
async function sendAll(endpoint: StreamingEndpoint, call: StreamCall, deps: HandlerDeps): Promise<void> {
  const messages = endpoint.call(requestOf(call), new GrpcContext(call, deps))[Symbol.asyncIterator]();
  try {
    for (let next = await messages.next(); !next.done; next = await messages.next()) {
      const { value } = next;
      const isTaken = call.cancelled || (await takenInTime(deps.clock, (taken) => write(call, value, taken)));
      if (!isTaken) {
        // A status would wait behind the message that is not taken. This one does not, and gRPC clients read it as
        // RESOURCE_EXHAUSTED too.
        streamOf(call).close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
        return await dismissSlowReader(messages);
      }
      if (call.cancelled) return void (await messages.return?.());
    }
    call.end();
  } catch (error) {
    if (!call.cancelled) call.emit("error", grpcStatus(error));
  }
}

/**
 * A message is taken when HTTP/2 has put all of it into frames, which the reader's window allows or not. What `write`
 * of a stream returns says less: true until 16 KiB lie in its buffer. When the call is cancelled its callback never comes.
 */
function write(call: StreamCall, message: Message, taken: () => void): void {
  const done = () => {
    call.off("cancelled", done);
    taken();
  };
  call.once("cancelled", done);
  call.write(message, done);
}

function requestOf(call: GrpcCall & { readonly request: Request }): Request {
  if (call.metadata.get(BAD_TIMEOUT_HEADER).length === 0) return call.request;
  return new Malformed(new Error("grpc-timeout is not a number of at most 8 digits and a unit"));
}

import type { Message } from "@bufbuild/protobuf";
import type { handleServerStreamingCall, handleUnaryCall, UntypedHandleCall } from "@grpc/grpc-js";
import type { Clock } from "../clock.ts";
import { type Endpoint, Malformed } from "../rpc/endpoint.ts";
import type { Log } from "../telemetry/log.ts";
import { type GrpcCall, GrpcContext } from "./grpc-context.ts";
import { BAD_TIMEOUT_HEADER } from "./grpc-door.ts";
import { grpcStatus } from "./grpc-status.ts";

export interface HandlerDeps {
  readonly clock: Clock;
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
  { clock, log }: HandlerDeps,
): handleUnaryCall<Request, Message> {
  return (call, respond) => {
    answer(requestOf(call), new GrpcContext(call, clock))
      .then(
        (response) => respond(null, response),
        (error: unknown) => respond(grpcStatus(error)),
      )
      // Answering a call whose connection has just broken may throw; nobody is left to be told.
      .catch((error: unknown) => log.warn({ error }, "a call could not be answered"));
  };
}

function streamHandler(
  endpoint: StreamingEndpoint,
  { clock, log }: HandlerDeps,
): handleServerStreamingCall<Request, Message> {
  return (call) => {
    sendAll(endpoint, call, new GrpcContext(call, clock)).catch((error: unknown) => {
      log.warn({ error }, "a stream could not be ended");
    });
  };
}

type StreamCall = Parameters<handleServerStreamingCall<Request, Message>>[0];

/** Asks for the next message only when the last one has left: a reader that is slow holds one message, not a queue. */
async function sendAll(endpoint: StreamingEndpoint, call: StreamCall, context: GrpcContext): Promise<void> {
  try {
    for await (const message of endpoint.call(requestOf(call), context)) {
      if (call.cancelled) return;
      if (!call.write(message)) await drained(call);
      if (call.cancelled) return;
    }
    call.end();
  } catch (error) {
    if (!call.cancelled) call.emit("error", grpcStatus(error));
  }
}

/** Resolves also when the peer has gone: then "drain" never comes. */
function drained(call: StreamCall): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ["drain", "close", "cancelled"]) call.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "cancelled"]) call.on(event, done);
  });
}

function requestOf(call: GrpcCall & { readonly request: Request }): Request {
  if (call.metadata.get(BAD_TIMEOUT_HEADER).length === 0) return call.request;
  return new Malformed(new Error("grpc-timeout is not a number of at most 8 digits and a unit"));
}

import { constants, type ServerHttp2Stream } from "node:http2";
import type { Message } from "@bufbuild/protobuf";
import type { handleServerStreamingCall, handleUnaryCall, UntypedHandleCall } from "@grpc/grpc-js";
import { type Endpoint, Malformed } from "../rpc/endpoint.ts";
import type { SessionEndpoint } from "../rpc/session-line.ts";
import type { Log } from "../telemetry/log.ts";
import { streamOf } from "./grpc-answered.ts";
import { type GrpcCall, GrpcContext } from "./grpc-context.ts";
import { BAD_TIMEOUT_HEADER } from "./grpc-door.ts";
import { type SessionHandlerDeps, sessionHandler } from "./grpc-session.ts";
import { grpcStatus } from "./grpc-status.ts";
import { enterUntilClosed, largeBytesOf } from "./large-answer.ts";
import type { Place, Room } from "./room.ts";
import { dismissSlowReader, takenInTime } from "./slow-reader.ts";

export interface HandlerDeps extends SessionHandlerDeps {
  readonly log: Log;
}

/**
 * A request that was not looked at yet. grpc-js keeps what it has delivered for as long as the call is open; of this, the
 * request is gone when it was taken.
 */
export class Delivered {
  #request: Request | null;

  constructor(request: Request) {
    this.#request = request;
  }

  take(): Request {
    const request = this.#request;
    if (request === null) throw new Error("bug: a request is taken twice");
    this.#request = null;
    return request;
  }
}

type Request = Message | Malformed;
type UnaryEndpoint = Extract<Endpoint, { readonly kind: "unary" }>;
type StreamingEndpoint = Extract<Endpoint, { readonly kind: "server_streaming" }>;

export function grpcHandler(endpoint: Endpoint | SessionEndpoint, deps: HandlerDeps): UntypedHandleCall {
  switch (endpoint.kind) {
    case "unary":
      return unaryHandler(endpoint, deps);
    case "server_streaming":
      return streamHandler(endpoint, deps);
    case "session":
      return sessionHandler(endpoint, deps);
  }
}

function unaryHandler(endpoint: UnaryEndpoint, deps: HandlerDeps): handleUnaryCall<Delivered, Message> {
  return (call, respond) => {
    const context = new GrpcContext(call, deps);
    endpoint
      .call(requestOf(call), context)
      .then(
        (response) => {
          context.end();
          const bytes = largeBytesOf(endpoint, response);
          if (bytes === 0) return respond(null, response);
          return respondInTurn(call, bytes, deps, () => respond(null, response));
        },
        (error: unknown) => {
          context.end();
          respond(grpcStatus(error));
        },
      )
      // Answering a call whose connection has just broken may throw; nobody is left to be told.
      .catch((error: unknown) => deps.log.warn({ error }, "a call could not be answered"));
  };
}

/**
 * Sends a large answer when there is room for it, and lets its reader go who does not take it. Not sent if the call is
 * over before: its deadline has passed, and grpc-js has said so, or the caller has gone.
 */
async function respondInTurn(
  call: GrpcCall,
  bytes: number,
  { room, clock }: HandlerDeps,
  respond: () => void,
): Promise<void> {
  const stream = streamOf(call);
  const { entered } = enter(stream, bytes, room);
  if (!(await entered) || call.cancelled) return;
  const send = (taken: () => void) => {
    stream.once("close", taken);
    respond();
  };
  if (!(await takenInTime(clock, send))) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
}

function enter(stream: ServerHttp2Stream, bytes: number, room: Room): Place {
  // A stream without a session is closed, and its place is left at once.
  return enterUntilClosed(room, stream.session ?? stream, bytes, stream);
}

function streamHandler(endpoint: StreamingEndpoint, deps: HandlerDeps): handleServerStreamingCall<Delivered, Message> {
  return (call) => {
    sendAll(endpoint, call, deps).catch((error: unknown) => {
      deps.log.warn({ error }, "a stream could not be ended");
    });
  };
}

type StreamCall = Parameters<handleServerStreamingCall<Delivered, Message>>[0];

/** Asks for the next message only when the last one has left: of a slow reader there is one message, and no queue. */
async function sendAll(endpoint: StreamingEndpoint, call: StreamCall, deps: HandlerDeps): Promise<void> {
  const messages = endpoint.call(requestOf(call), new GrpcContext(call, deps))[Symbol.asyncIterator]();
  /** True if there is to be another one. Apart, so that none is kept until the next comes, which may take long. */
  const sendOne = async (next: IteratorResult<Message>): Promise<boolean> => {
    if (next.done) {
      call.end();
      return false;
    }
    if (!(await send(endpoint, call, next.value, deps))) {
      // A status would wait behind the message that is not taken. This one does not, and gRPC clients read it as
      // RESOURCE_EXHAUSTED too.
      streamOf(call).close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      await dismissSlowReader(messages);
      return false;
    }
    if (call.cancelled) await messages.return?.();
    return !call.cancelled;
  };
  try {
    while (await messages.next().then(sendOne));
  } catch (error) {
    if (!call.cancelled) call.emit("error", grpcStatus(error));
  }
}

/** False when the reader does not take it. A large one is encoded when there is room for it. */
async function send(
  endpoint: StreamingEndpoint,
  call: StreamCall,
  message: Message,
  { clock, room }: HandlerDeps,
): Promise<boolean> {
  const bytes = largeBytesOf(endpoint, message);
  const place = bytes === 0 ? null : enter(streamOf(call), bytes, room);
  try {
    // Of a reader who has gone there is nothing to complain.
    if (place !== null && !(await place.entered)) return true;
    return call.cancelled || (await takenInTime(clock, (taken) => write(call, message, taken)));
  } finally {
    place?.leave();
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

function requestOf(call: GrpcCall & { readonly request: Delivered }): Request {
  const request = call.request.take();
  if (call.metadata.get(BAD_TIMEOUT_HEADER).length === 0) return request;
  return new Malformed(new Error("grpc-timeout is not a number of at most 8 digits and a unit"));
}

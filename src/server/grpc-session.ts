import { constants, type ServerHttp2Stream } from "node:http2";
import { type handleBidiStreamingCall, Metadata } from "@grpc/grpc-js";
import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import { RpcError } from "../rpc/error.ts";
import type { Line, LineContext, Outgoing, Session, SessionEndpoint } from "../rpc/session-line.ts";
import { AnswerWriter } from "./grpc-answer-writer.ts";
import { streamOf } from "./grpc-answered.ts";
import { GrpcContext, type GrpcContextDeps } from "./grpc-context.ts";
import { BAD_TIMEOUT_HEADER, ENCODING_HEADER } from "./grpc-door.ts";
import { Incoming } from "./grpc-incoming.ts";
import { inflateBy } from "./grpc-inflate.ts";
import type { GrpcSessions, WatchedSession } from "./grpc-sessions.ts";
import { grpcStatus } from "./grpc-status.ts";
import { enterToUnpack } from "./grpc-unpacking.ts";
import { SESSION_MESSAGE_BYTES_MAX, SLOW_READER_MS } from "./limits.ts";
import type { Room } from "./room.ts";

export interface SessionHandlerDeps extends GrpcContextDeps {
  readonly room: Room;
  /** For requests that are compressed. */
  readonly unpacking: Room;
  readonly sessions: GrpcSessions;
}

type SessionHandler = handleBidiStreamingCall<unknown, unknown>;
type SessionStream = Parameters<SessionHandler>[0];

export function sessionHandler(endpoint: SessionEndpoint, deps: SessionHandlerDeps): SessionHandler {
  return (call) => deps.sessions.add(new GrpcLine(call, endpoint, deps));
}

/**
 * The line of a session on an HTTP/2 stream.
 *
 * ```
 *          chunks           messages                answers              one write at a time
 *  HTTP/2 ───────▶ Incoming ────────▶ the session ─────────▶ AnswerWriter ────────▶ HTTP/2
 *                     ▲                   │ pause, resume
 *                     └───────────────────┘
 * ```
 * grpc-js opens and ends the stream, and says when it is cancelled. The messages go around it: it hands each of them on
 * by itself, through object streams and with a write of its own, which is a third of what a replay takes in all. See
 * docs/decisions/0014-session.md.
 */
class GrpcLine implements Line, WatchedSession {
  readonly #call: SessionStream;
  readonly #stream: ServerHttp2Stream;
  readonly #clock: Clock;
  readonly #context: LineContext;
  readonly #session: Session;
  readonly #incoming: Incoming;
  readonly #writer: AnswerWriter;
  /** When the status was sent, or nobody was left to be sent one. */
  #saidMs: number | null = null;

  constructor(
    call: SessionStream,
    endpoint: SessionEndpoint,
    { clock, connections, room, unpacking }: SessionHandlerDeps,
  ) {
    const stream = streamOf(call);
    this.#call = call;
    this.#stream = stream;
    this.#clock = clock;
    this.#context = new GrpcLineContext(call, { clock, connections });
    const onFailure = (error: unknown) => this.#fail(error);
    this.#writer = new AnswerWriter({ stream, clock, room, onFailure });

    const [encoding] = call.metadata.get(ENCODING_HEADER);
    const inflate = inflateBy(encoding?.toString(), SESSION_MESSAGE_BYTES_MAX);
    this.#incoming = new Incoming({
      ...{ stream, clock, onFailure, inflate: (message) => inTurn(stream, unpacking, () => inflate(message)) },
      onMessage: (message) => this.#session.receive(message),
      onEnd: (isCutOff) => (isCutOff ? this.#session.refuse(CUT_OFF) : this.#session.finish()),
    });
    call.once("cancelled", () => this.#cancelled());
    call.sendMetadata(new Metadata());
    this.#session = endpoint.open(this, this.#context);
    if (call.metadata.get(BAD_TIMEOUT_HEADER).length > 0) this.#session.refuse(BAD_TIMEOUT);
    else if (call.cancelled) this.#cancelled();
    this.#incoming.resume();
  }

  send(message: Outgoing): void {
    this.#writer.send(message);
  }

  pause(): void {
    this.#incoming.pause();
  }

  resume(): void {
    this.#incoming.resume();
  }

  end(error: RpcError | null): void {
    this.#incoming.stop();
    this.#writer.end(() => {
      if (error === null) this.#call.end();
      else this.#call.emit("error", grpcStatus(error));
    });
  }

  goodbye(): void {
    this.#session.goodbye("draining");
  }

  look(nowMs: number): boolean {
    if (this.#stream.destroyed) return false;
    if (this.#saidMs !== null) {
      // A client who does not half-close would keep it open. Not at once: this would overtake the status.
      if (nowMs - this.#saidMs >= STATUS_MS) this.#close(constants.NGHTTP2_NO_ERROR);
    } else if (this.#writer.isTooSlow(nowMs)) {
      this.#session.broken(new Fault("OVERLOADED", `no message was taken for ${SLOW_READER_MS / 1000} s`));
      // To gRPC clients this is RESOURCE_EXHAUSTED; a status would wait behind what is not taken.
      this.#close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    } else if (this.#incoming.isStalled(nowMs)) {
      this.#session.broken(new Fault("CANCELLED", "a message did not arrive wholly"));
      this.#close(constants.NGHTTP2_CANCEL);
    }
    return true;
  }

  /** grpc-js says so when the stream is closed or over its deadline, and also when its status has been sent. */
  #cancelled(): void {
    this.#incoming.stop();
    const isLate = this.#clock.monotonicMs() >= this.#context.deadline;
    this.#session.broken(isLate ? new Fault("DEADLINE_EXCEEDED", "the deadline has passed") : GONE);
    this.#writer.drop();
    this.#saidMs = this.#clock.monotonicMs();
  }

  #fail(error: unknown): void {
    const isTold = error instanceof Fault || error instanceof RpcError;
    this.#session.refuse(isTold ? error : new Fault("INTERNAL", "a message was lost", { cause: error }));
  }

  #close(code: number): void {
    this.#incoming.stop();
    this.#stream.close(code);
  }
}

class GrpcLineContext extends GrpcContext implements LineContext {
  readonly #connections: GrpcContextDeps["connections"];
  readonly #stream: ServerHttp2Stream;

  constructor(call: SessionStream, deps: GrpcContextDeps) {
    super(call, deps);
    this.#connections = deps.connections;
    this.#stream = streamOf(call);
  }

  confirm(): Promise<boolean> {
    const { session } = this.#stream;
    return (session && this.#connections.of(session)?.confirm()) ?? Promise.resolve(false);
  }
}

/** How long a client has to close the stream by itself, once it was sent the status. */
const STATUS_MS = 1000;

async function inTurn(stream: ServerHttp2Stream, room: Room, unpack: () => Promise<Buffer>): Promise<Buffer> {
  const place = await enterToUnpack(stream, room);
  if (place === null) throw GONE;
  return unpack().finally(() => place.leave());
}

const GONE = new Fault("CANCELLED", "the caller has gone");
const BAD_TIMEOUT = new Fault("FIELD_INVALID", "grpc-timeout is not a number of at most 8 digits and a unit");
const CUT_OFF = new Fault("FIELD_INVALID", "the last message of the stream was cut off");

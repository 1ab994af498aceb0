import type { DescMethodBiDiStreaming } from "@bufbuild/protobuf";
import type { Fault } from "../domain/fault.ts";
import type { CallContext } from "./endpoint.ts";
import type { RpcError } from "./error.ts";

/** A method that carries calls of others on one stream; served over gRPC only. */
export interface SessionEndpoint {
  readonly kind: "session";
  readonly method: DescMethodBiDiStreaming;
  open(line: Line, context: LineContext): Session;
}

/** What carries the messages of a session; what a server adapter offers. */
export interface Line {
  /** Takes it at once, and sends it when it can: in this order, but for large ones, which may have to wait for room. */
  send(message: Outgoing): void;
  /** Delivers no more messages until `resume`. Whoever sends them is held up. */
  pause(): void;
  resume(): void;
  /** Ends the stream after what has been sent, with OK if there is no error. Nothing may be sent after it. */
  end(error: RpcError | null): void;
}

/** A message on its way out. */
export interface Outgoing {
  /** How large it is before it is encoded, about; 0: small. */
  readonly bodyBytes: number;
  /** The encoded message, in pieces. Called once, when it may be sent. */
  encode(): readonly Uint8Array[];
  /** HTTP/2 has put all of it into frames, which the reader's window allowed. Not called if the stream breaks first. */
  taken(): void;
}

/** What a server adapter knows of the stream, and all of its calls share. */
export interface LineContext extends CallContext {
  /** Whether what was taken until now has reached the peer, see `CallContext.answered`. */
  confirm(): Promise<boolean>;
}

/** Why the server is about to end a stream. */
export type GoodbyeReason = "draining" | "max-age";

/** One stream, as its adapter sees it. */
export interface Session {
  /** A message has arrived. Not to be called while the line is paused or when it has ended. */
  receive(bytes: Uint8Array): void;
  /** The client sends nothing more: what is open is answered, and then the stream ends. */
  finish(): void;
  goodbye(reason: GoodbyeReason): void;
  /** What arrives is no session: the stream ends with this, and all that is open is cancelled. */
  refuse(why: Fault | RpcError): void;
  /** The stream broke, is cancelled, or over its deadline: nobody can be told anything any more. */
  broken(fault: Fault): void;
}

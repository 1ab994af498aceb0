import type { ConnectError } from "@connectrpc/connect";
import type { Client, Metadata } from "@grpc/grpc-js";
import type { SessionResponse } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { toConnectError } from "../grpc-metadata.ts";
import { type DirectWrites, directWrites } from "./direct-writes.ts";
import { decodeAnswer, SESSION_PATH } from "./wire.ts";

/** What a session writes to. */
export interface SessionStream {
  /** False: write no more before `onDrain`. */
  write(bytes: Buffer): boolean;
  /** No more will be written. */
  halfClose(): void;
  /** Ends it at once, both ways; `onEnd` follows. */
  cancel(): void;
}

export interface SessionStreamEvents {
  onMessage(message: SessionResponse): void;
  onDrain(): void;
  /** Once, and nothing after it. Null: the server has ended it without an error. */
  onEnd(error: ConnectError | null): void;
}

export type OpenStream = (events: SessionStreamEvents) => SessionStream;

/**
 * A stream of grpc-js, over the same connection as the client's other calls. No event comes before it returns, and nothing
 * may be written before a message has come.
 */
export function openStream(
  client: Client,
  metadata: Metadata,
  { onMessage, onDrain, onEnd }: SessionStreamEvents,
): SessionStream {
  const call = client.makeBidiStreamRequest<Buffer, SessionResponse>(SESSION_PATH, asIs, decodeAnswer, metadata);
  let failure: ConnectError | null = null;
  let direct: DirectWrites | null = null;
  call.once("data", () => {
    direct = directWrites(call, onDrain);
  });
  call.on("data", onMessage);
  call.on("drain", onDrain);
  call.on("error", (error) => {
    failure = toConnectError(error);
  });
  // Comes after all of them.
  call.on("status", () => onEnd(failure));
  return {
    write: (bytes) => (direct === null ? call.write(bytes) : direct.write(bytes)),
    halfClose() {
      direct?.flush();
      call.end();
    },
    cancel: () => call.cancel(),
  };
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

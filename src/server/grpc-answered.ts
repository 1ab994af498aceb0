import { constants, type ServerHttp2Stream } from "node:http2";
import type { Connections } from "./grpc-connections.ts";

/**
 * Whether the good answer to the call of this stream has reached the peer; to be asked for before it is sent. False when
 * the call is cancelled, fails or is over its deadline before; see `Connection.confirm` for what follows.
 *
 * The connection is asked only when the stream is closed, for a PING that is sent earlier overtakes the answer.
 */
export function hasAnswered(stream: ServerHttp2Stream, connections: Connections): Promise<boolean> {
  const connection = stream.session && connections.of(stream.session);
  if (connection === undefined || stream.closed || stream.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    stream.once("close", () => resolve(isAnswered(stream) && connection.confirm()));
  });
}

function isAnswered({ aborted, rstCode, sentTrailers }: ServerHttp2Stream): boolean {
  return !aborted && rstCode === constants.NGHTTP2_NO_ERROR && Number(sentTrailers?.["grpc-status"]) === 0;
}

/**
 * The HTTP/2 stream under a call of grpc-js, which keeps it private and offers none of what it knows. The dependency is
 * pinned to the patch level, and the process tests fail if the stream is no longer found here.
 */
export function streamOf(call: object): ServerHttp2Stream {
  const { stream } = (call as { readonly call?: { readonly stream?: ServerHttp2Stream } }).call ?? {};
  if (stream === undefined || !("rstCode" in stream)) {
    throw new Error("bug: grpc-js no longer keeps the HTTP/2 stream of a call in call.stream");
  }
  return stream;
}

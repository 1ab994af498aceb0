import { constants, type ServerHttp2Stream } from "node:http2";
import type { Clock } from "../clock.ts";
import { REQUEST_CHECK_MS, REQUEST_MS_MAX, SLOW_READER_MS } from "./limits.ts";

/** Closes calls that stand still because their peer does, of which grpc-js would keep as many as somebody opens. */
export interface StalledCalls extends Disposable {
  /** @param isUnary its answer is one message; the handler of a stream looks after its readers itself */
  watch(stream: ServerHttp2Stream, isUnary: boolean): void;
}

/**
 * A request that has not wholly arrived after 10 s is closed, and a unary call whose answer is not taken within 30 s. The
 * second is looked for only among calls that have lasted for 10 s, so that the others pay nothing for it.
 */
export function watchStalledCalls(clock: Clock): StalledCalls {
  /** By their arrival; a map keeps that order, so that each look ends at the first that is young enough. */
  const young = new Map<ServerHttp2Stream, number>();
  const streams = new WeakSet<ServerHttp2Stream>();
  /** Unary calls that have lasted, with the instant at which their answer was first seen to be on its way. */
  const lasting = new Map<ServerHttp2Stream, number | null>();
  const stop = new AbortController();
  /** One for all streams. */
  function forget(this: ServerHttp2Stream): void {
    young.delete(this);
  }

  const lookAtYoung = (nowMs: number) => {
    for (const [stream, arrivedMs] of young) {
      if (nowMs - arrivedMs < REQUEST_MS_MAX) return;
      young.delete(stream);
      if (!stream.readableEnded) stream.close(constants.NGHTTP2_CANCEL);
      else if (!streams.has(stream)) lasting.set(stream, null);
    }
  };

  const lookAtLasting = (nowMs: number) => {
    for (const [stream, answeredMs] of lasting) {
      if (stream.destroyed) lasting.delete(stream);
      else if (answeredMs !== null && nowMs - answeredMs >= SLOW_READER_MS) {
        // To gRPC clients this is RESOURCE_EXHAUSTED.
        stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      } else if (answeredMs === null && stream.headersSent) lasting.set(stream, nowMs);
    }
  };

  const look = async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(REQUEST_CHECK_MS, stop.signal).catch(() => undefined);
      lookAtYoung(clock.monotonicMs());
      lookAtLasting(clock.monotonicMs());
    }
  };
  void look();

  return {
    watch(stream, isUnary) {
      if (!isUnary) streams.add(stream);
      young.set(stream, clock.monotonicMs());
      stream.on("close", forget);
    },
    [Symbol.dispose]: () => stop.abort(),
  };
}

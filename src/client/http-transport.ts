import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Clock } from "./clock.ts";
import { type ClosableTransport, DEFAULT_TIMEOUT_MS } from "./closable-transport.ts";
import type { Addresses } from "./connection.ts";
import { createHttpLine, type OpenHttp } from "./http-line.ts";
import { createRound } from "./round.ts";
import { follow } from "./runtime.ts";
import { createSilence } from "./silence.ts";

export interface HttpTransportOptions {
  /** host:port of each server; calls go round. */
  readonly addresses: Addresses;
  /** https, or http. */
  readonly isSecure: boolean;
  /** Called once for each address, with the first call to it. */
  readonly open: OpenHttp;
  readonly clock: Clock;
}

/** What timers hold. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/**
 * The Connect protocol over HTTP, in binary. Whatever goes wrong between here and a server is UNAVAILABLE, as it is with
 * gRPC: what is sent to the client's code by a server, and nothing else, has another code.
 *
 * @throws TypeError for an address that is not host:port
 */
export function createHttpTransport({ addresses, isSecure, open, clock }: HttpTransportOptions): ClosableTransport {
  const lines = addresses.map((address) => createHttpLine({ address, isSecure, open, clock }));
  const round = createRound(lines, ({ isDown }) => isDown());
  const silence = createSilence();
  const closing = new AbortController();

  return {
    async unary(method, signal, timeoutMs, headers, input, context) {
      const line = round.pick(context);
      const call = new AbortController();
      const unfollow = follow(call, [signal, closing.signal]);
      try {
        return await silence.watch(line.address, async () => {
          const transport = await line.transport();
          const boundMs = Math.min(timeoutMs ?? DEFAULT_TIMEOUT_MS, TIMEOUT_MS_MAX);
          return await line.watch(transport.unary(method, call.signal, boundMs, headers, input, context));
        });
      } finally {
        unfollow();
      }
    },

    async stream(method, signal, timeoutMs, headers, input, context) {
      refuseClientStreams(method);
      const line = round.pick(context);
      const call = new AbortController();
      const unfollow = follow(call, [signal, closing.signal]);
      const boundMs = timeoutMs === undefined ? undefined : Math.min(timeoutMs, TIMEOUT_MS_MAX);
      async function* read<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
        try {
          yield* line.watchStream(messages);
        } finally {
          unfollow();
          // connect's own streams cannot be returned from.
          call.abort(new ConnectError("the stream is not read any more", Code.Canceled));
        }
      }
      try {
        const answer = await silence.watch(line.address, async () => {
          const transport = await line.transport();
          return await line.watch(transport.stream(method, call.signal, boundMs, headers, input, context));
        });
        return { ...answer, message: silence.watchStream(line.address, read(answer.message)) };
      } catch (error) {
        unfollow();
        throw error;
      }
    },

    close() {
      round.close();
      closing.abort(new ConnectError("the client is closed", Code.Canceled));
      for (const line of lines) line.close();
    },
  };
}

function refuseClientStreams({ methodKind }: DescMethod): void {
  if (methodKind === "server_streaming") return;
  throw new ConnectError("this transport streams from the server only", Code.Unimplemented);
}

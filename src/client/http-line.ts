import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { UniversalClientFn } from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-connect";
import { hostAndPort } from "./address.ts";
import type { Clock } from "./clock.ts";
import { tellingLoss, toLoss } from "./http-loss.ts";

/** What sends HTTP requests to one server. */
export interface Http {
  readonly send: UniversalClientFn;
  /** Ends its connections. */
  close(): void;
}

export type OpenHttp = (baseUrl: string) => Http | Promise<Http>;

/** One of the servers, over HTTP. */
export interface HttpLine {
  readonly address: string;
  /** Opened by the first call. */
  transport(): Promise<Transport>;
  /** Its answer, or its error as it is for this client; takes note of what was lost. */
  watch<T>(answer: Promise<T>): Promise<T>;
  watchStream<T>(messages: AsyncIterable<T>): AsyncGenerator<T>;
  /** Whether it could not be reached a moment ago. */
  isDown(): boolean;
  close(): void;
}

interface HttpLineOptions {
  readonly address: string;
  readonly isSecure: boolean;
  readonly open: OpenHttp;
  readonly clock: Clock;
}

/** For this time after it could not be reached; doubles up to the second. As grpc-js reconnects. */
const DOWN_MS = 100;
const DOWN_MS_MAX = 2_000;
/** As much as grpc-js takes. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** @throws TypeError for an address that is not host:port */
export function createHttpLine({ address, isSecure, open, clock }: HttpLineOptions): HttpLine {
  const baseUrl = `${isSecure ? "https" : "http"}://${hostAndPort(address)}`;
  let opening: Promise<Http> | undefined;
  let transport: Promise<Transport> | undefined;
  let losses = 0;
  let downUntilMs = Number.NEGATIVE_INFINITY;

  const note = (error: unknown): unknown => {
    const known = toLoss(error);
    const isLost = known instanceof ConnectError && known.code === Code.Unavailable && [...known.metadata].length === 0;
    if (isLost) downUntilMs = clock.monotonicMs() + Math.min(DOWN_MS_MAX, DOWN_MS * 2 ** Math.min(losses++, 30));
    return known;
  };

  return {
    address,
    transport() {
      opening ??= Promise.resolve(open(baseUrl));
      transport ??= opening.then(({ send }) => connectOver(baseUrl, send));
      return transport;
    },
    async watch(answer) {
      try {
        const given = await answer;
        losses = 0;
        return given;
      } catch (error) {
        throw note(error);
      }
    },
    async *watchStream(messages) {
      try {
        yield* messages;
      } catch (error) {
        throw note(error);
      }
    },
    isDown: () => clock.monotonicMs() < downUntilMs,
    close: () => void opening?.then((http) => http.close()),
  };
}

function connectOver(baseUrl: string, send: UniversalClientFn): Transport {
  return createTransport({
    ...{ baseUrl, httpClient: tellingLoss(send), useBinaryFormat: true, interceptors: [] },
    ...{ acceptCompression: [], sendCompression: null, compressMinBytes: 0 },
    ...{ readMaxBytes: ANSWER_BYTES_MAX, writeMaxBytes: ANSWER_BYTES_MAX },
  });
}

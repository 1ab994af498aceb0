import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Clock } from "./clock.ts";
import { type Credential, tokenTooLate } from "./credentials.ts";
import type { HeaderFields } from "./grpc-metadata.ts";
import { toHoldfastError } from "./wire-error.ts";

/**
 * Sends the credential with every call. A fetched one is fetched once more when the server refuses it, for it may have
 * expired on the way; a call that is refused so has done nothing. Fetching is on the call's time.
 */
export function authorizedTransport(transport: Transport, credential: Credential, clock: Clock): Transport {
  const open = (signal: AbortSignal | undefined, timeoutMs: number | undefined) => {
    const endMs =
      clock.monotonicMs() + (timeoutMs === undefined || timeoutMs <= 0 ? Number.POSITIVE_INFINITY : timeoutMs);
    let sent: string | undefined;
    const fetch = async () => {
      const fetched = await within(credential.authorization(), { signal, clock, ms: endMs - clock.monotonicMs() });
      const isNews = fetched !== sent;
      sent = fetched;
      return isNews;
    };
    return {
      fetch,
      /** True when there is another credential than the one that was refused. */
      isWorthAnother: async (error: unknown) => credential.isFetched && isRefused(error) && (await fetch()),
      headers: (given: HeaderFields) => withAuthorization(given, sent ?? ""),
      /** At least 1: to transports, 0 is no limit. */
      leftMs: () =>
        endMs === Number.POSITIVE_INFINITY ? timeoutMs : Math.max(1, Math.ceil(endMs - clock.monotonicMs())),
    };
  };

  return {
    async unary(method, signal, timeoutMs, headers, input, context) {
      const call = open(signal, timeoutMs);
      const send = () => transport.unary(method, signal, call.leftMs(), call.headers(headers), input, context);
      await call.fetch();
      try {
        return await send();
      } catch (error) {
        if (!(await call.isWorthAnother(error))) throw error;
        return await send();
      }
    },

    async stream(method, signal, timeoutMs, headers, input, context) {
      const call = open(signal, timeoutMs);
      const requests = method.methodKind === "server_streaming" ? repeatable(input) : input;
      const send = () => transport.stream(method, signal, call.leftMs(), call.headers(headers), requests, context);
      await call.fetch();
      const response = await send();
      async function* messages() {
        let isFirst = true;
        try {
          for await (const message of response.message) {
            isFirst = false;
            yield message;
          }
        } catch (error) {
          // Of requests that come one by one the first ones are gone.
          const mayRepeat = isFirst && requests !== input;
          if (!mayRepeat || !(await call.isWorthAnother(error))) throw error;
          yield* (await send()).message;
        }
      }
      return { ...response, message: messages() };
    },
  };
}

function isRefused(error: unknown): boolean {
  return toHoldfastError(error).reason === "CREDENTIALS_INVALID";
}

function withAuthorization(given: HeaderFields, authorization: string): HeaderFields {
  if (given === undefined) return { authorization };
  const headers = new Headers(given);
  headers.set("authorization", authorization);
  return headers;
}

/** The same requests for each reader. A server stream has one, so what is kept is small. */
function repeatable<T>(input: AsyncIterable<T>): AsyncIterable<T> {
  const all = Array.fromAsync(input);
  // Who reads hears of it.
  all.catch(() => undefined);
  return {
    async *[Symbol.asyncIterator]() {
      yield* await all;
    },
  };
}

interface Bounds {
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly ms: number;
}

async function within<T>(value: T | Promise<T>, { signal, clock, ms }: Bounds): Promise<T> {
  if (!(value instanceof Promise)) return value;
  const over = Promise.withResolvers<never>();
  const onAbort = () =>
    over.reject(new ConnectError("the call was cancelled", Code.Canceled, undefined, undefined, signal?.reason));
  const cancelTimer = clock.after(ms, () => over.reject(tokenTooLate()));
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([value, over.promise]);
  } finally {
    cancelTimer();
    signal?.removeEventListener("abort", onAbort);
  }
}

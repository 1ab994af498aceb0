import { randomUUID } from "node:crypto";
import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Clock } from "../client/clock.ts";
import { follow, never } from "../client/runtime.ts";
import type { CallContext, Endpoint } from "../rpc/endpoint.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Mishap, Mishaps } from "./mishaps.ts";

/** Who calls, over whatever. */
export interface Peer {
  readonly headers: Headers;
  /** Aborted when it gives up, its deadline passes, or it is gone; the call fails with the reason. */
  readonly signal: AbortSignal;
  /** Instant of the clock; Infinity without one. */
  readonly deadline: number;
  readonly transport: CallContext["transport"];
}

/**
 * What lies between callers and the server, and goes wrong.
 *
 * Calls throw what the server's handlers do, `RpcError`; of what goes wrong on the way, ConnectError UNAVAILABLE; and the
 * reason of the peer's signal.
 */
export interface Network {
  unary(method: string, request: Message, peer: Peer): Promise<Message>;
  stream(method: string, request: Message, peer: Peer): AsyncGenerator<Message, void, undefined>;
  /** Breaks the connections of calls that are under way. */
  cut(isMeant?: (method: string) => boolean): void;
  /** Whether the server can be reached at all. */
  isUp: boolean;
}

export interface NetworkDeps {
  readonly server: () => Incarnation;
  readonly mishaps: Mishaps;
  readonly clock: Clock;
  /** A message goes or comes. */
  readonly stir: () => void;
}

interface OpenCall {
  readonly method: string;
  readonly mishap: Mishap;
  readonly context: CallContext;
  /** What comes first: this, or the end of the connection. */
  race<T>(answering: Promise<T>): Promise<T>;
  cut(): void;
  end(): void;
}

export function createNetwork({ server, mishaps, clock, stir }: NetworkDeps): Network {
  const calls = new Set<OpenCall>();

  const open = (method: string, peer: Peer): OpenCall => {
    stir();
    const broken = Promise.withResolvers<never>();
    const reached = Promise.withResolvers<boolean>();
    broken.promise.catch(() => undefined);
    const gone = new AbortController();
    const unfollow = follow(gone, [peer.signal]);
    const hangUp = () => {
      calls.delete(call);
      broken.reject(gone.signal.reason);
      reached.resolve(false);
    };
    const call: OpenCall = {
      method,
      mishap: mishaps.take(method),
      context: {
        requestId: randomUUID(),
        deadline: peer.deadline,
        signal: gone.signal,
        retiring: never(),
        answered: () => reached.promise,
        metadata: (name) => peer.headers.get(name) ?? undefined,
        certificate: () => null,
        transport: peer.transport,
      },
      async race(answering) {
        try {
          const answer = await Promise.race([answering, broken.promise]);
          reached.resolve(true);
          return answer;
        } catch (error) {
          reached.resolve(false);
          throw error;
        } finally {
          stir();
        }
      },
      cut: () => gone.abort(lost()),
      end() {
        calls.delete(call);
        unfollow();
      },
    };
    calls.add(call);
    gone.signal.addEventListener("abort", hangUp, { once: true });
    if (gone.signal.aborted) hangUp();
    return call;
  };

  const arrive = async <Kind extends Endpoint["kind"]>({ method, mishap, context }: OpenCall, kind: Kind) => {
    await pause(mishap.requestDelayMs, context.signal);
    context.signal.throwIfAborted();
    if (!network.isUp) throw new ConnectError("the server cannot be reached", Code.Unavailable);
    if (mishap.losesRequest) throw lost();
    const endpoint = server().enter(method);
    if (endpoint?.kind !== kind) throw new ConnectError(`this server has no ${method}`, Code.Unimplemented);
    return endpoint as Extract<Endpoint, { readonly kind: Kind }>;
  };

  const depart = async ({ mishap, context }: OpenCall) => {
    await pause(mishap.answerDelayMs, context.signal);
    if (mishap.losesAnswer) throw lost();
  };

  const pause = async (ms: number, signal: AbortSignal) => {
    if (ms > 0) await clock.sleep(ms, signal);
  };

  const answer = async (call: OpenCall, request: Message): Promise<Message> => {
    const endpoint = await arrive(call, "unary");
    const message = await endpoint.call(request, call.context);
    await depart(call);
    return message;
  };

  async function* answers(call: OpenCall, request: Message): AsyncGenerator<Message, void, undefined> {
    const endpoint = await arrive(call, "server_streaming");
    let isFirst = true;
    for await (const message of endpoint.call(request, call.context)) {
      if (isFirst) await depart(call);
      isFirst = false;
      yield message;
    }
  }

  const network: Network = {
    async unary(method, request, peer) {
      const call = open(method, peer);
      try {
        return await call.race(answer(call, request));
      } finally {
        call.end();
      }
    },

    async *stream(method, request, peer) {
      const call = open(method, peer);
      const messages = answers(call, request);
      try {
        for (;;) {
          const { done, value } = await call.race(messages.next());
          if (done) return;
          yield value;
        }
      } finally {
        call.end();
        void messages.return().catch(() => undefined); // Of what it was asked for last, it may be failing.
      }
    },

    cut(isMeant = () => true) {
      for (const call of [...calls]) if (isMeant(call.method)) call.cut();
    },

    isUp: true,
  };
  return network;
}

function lost(): ConnectError {
  return new ConnectError("the connection was lost", Code.Unavailable);
}

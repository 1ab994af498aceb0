import { randomUUID } from "node:crypto";
import { create, type DescMessage, fromBinary, type Message, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import { connectError } from "../rpc/connect-error.ts";
import type { CallContext, Endpoint } from "../rpc/endpoint.ts";
import { toRpcError } from "../rpc/status.ts";

export interface LocalTransport extends Transport {
  /** Ends calls under way, and refuses others. */
  close(): void;
}

export interface LocalTransportDeps {
  readonly endpoints: readonly Endpoint[];
  readonly clock: Clock;
  /** 0 up to but not including 1. */
  readonly random: () => number;
}

/** As with the transports to servers; see grpc-call.ts. */
const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * connect's Transport over endpoints of this process. A request is encoded and decoded all the same: what no wire would
 * carry is refused here too, and what the caller changes afterwards is not what was asked. An answer is handed over.
 */
export function createLocalTransport({ endpoints, clock, random }: LocalTransportDeps): LocalTransport {
  const closing = new AbortController();
  const find = <Kind extends Endpoint["kind"]>(
    kind: Kind,
    method: { readonly name: string; readonly parent: object },
  ) => {
    const found = endpoints.find((one) => one.method.name === method.name && one.method.parent === method.parent);
    if (found?.kind !== kind) throw new ConnectError(`there is no ${method.name} without a server`, Code.Unimplemented);
    return found as Extract<Endpoint, { readonly kind: Kind }>;
  };
  const open = (
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    headers: ConstructorParameters<typeof Headers>[0],
  ) =>
    openCall(
      { clock, random, signals: [closing.signal, ...(signal ? [signal] : [])] },
      timeoutMs,
      new Headers(headers),
    );

  return {
    async unary(method, signal, timeoutMs, headers, input) {
      const endpoint = find("unary", method);
      const call = open(signal, timeoutMs ?? DEFAULT_TIMEOUT_MS, headers);
      try {
        call.context.signal.throwIfAborted();
        const answer = endpoint.call(onceOver(method.input, create(method.input, input)), call.context);
        const message = await Promise.race([answer, call.gone]);
        call.settle(true);
        return {
          ...{ stream: false as const, service: method.parent, method, header: new Headers(), trailer: new Headers() },
          message: message as MessageShape<typeof method.output>,
        };
      } catch (error) {
        throw call.errorOf(error);
      } finally {
        call.settle(false);
      }
    },

    async stream(method, signal, timeoutMs, headers, input) {
      const endpoint = find("server_streaming", method);
      const request = create(method.input, await first(input));
      const call = open(signal, timeoutMs, headers);
      async function* messages() {
        try {
          call.context.signal.throwIfAborted();
          yield* endpoint.call(onceOver(method.input, request), call.context);
        } catch (error) {
          throw call.errorOf(error);
        } finally {
          call.settle(false);
        }
      }
      return {
        ...{ stream: true as const, service: method.parent, method, header: new Headers(), trailer: new Headers() },
        message: messages() as AsyncIterable<MessageShape<typeof method.output>>,
      };
    },

    close: () => closing.abort(new ConnectError("the client is closed", Code.Canceled)),
  };
}

function onceOver<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): Message {
  return fromBinary(desc, toBinary(desc, message));
}

async function first<T>(input: AsyncIterable<T>): Promise<T> {
  for await (const message of input) return message;
  throw new ConnectError("a server stream needs a request", Code.Internal);
}

interface OpenDeps extends Pick<LocalTransportDeps, "clock" | "random"> {
  /** Of who may end the call. */
  readonly signals: readonly AbortSignal[];
}

/** A caller that never goes away by being cut off. */
const NEVER = new AbortController().signal;

/** What the endpoint knows of a call, and how the caller hears that it is over before its time. */
function openCall({ clock, random, signals }: OpenDeps, timeoutMs: number | undefined, headers: Headers) {
  const over = new AbortController();
  const gone = Promise.withResolvers<never>();
  gone.promise.catch(() => undefined);
  const answered = Promise.withResolvers<boolean>();
  const hasDeadline = timeoutMs !== undefined && timeoutMs > 0;

  const context: CallContext = {
    requestId: randomUUID(),
    transport: "grpc",
    deadline: hasDeadline ? clock.monotonicMs() + timeoutMs : Number.POSITIVE_INFINITY,
    signal: over.signal,
    retiring: NEVER,
    answered: () => answered.promise,
    certificate: () => null,
    metadata: (name) => headers.get(name) ?? undefined,
  };
  const end = (error: unknown) => {
    over.abort(error);
    gone.reject(error);
  };
  const onAbort = (event: Event) => end(cancelled((event.target as AbortSignal).reason));
  for (const signal of signals) {
    if (signal.aborted) end(cancelled(signal.reason));
    else signal.addEventListener("abort", onAbort, { once: true });
  }
  const settled = new AbortController();
  if (hasDeadline) {
    const late = () => {
      const fault = new Fault("DEADLINE_EXCEEDED", "the deadline passed; whether the call took effect is not known");
      end(connectError(toRpcError(fault, context, random)));
    };
    clock.sleep(timeoutMs, settled.signal).then(late, () => undefined);
  }

  return {
    context,
    gone: gone.promise,
    /** Whoever went while the answer was on its way has not had it. */
    errorOf: (error: unknown) => (error instanceof ConnectError ? error : connectError(error)),
    settle(isAnswered: boolean) {
      answered.resolve(isAnswered);
      settled.abort();
      for (const signal of signals) signal.removeEventListener("abort", onAbort);
    },
  };
}

function cancelled(reason: unknown): ConnectError {
  if (reason instanceof ConnectError) return reason;
  return new ConnectError("the call was cancelled", Code.Canceled, undefined, undefined, reason);
}

import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { Fault } from "../../../src/domain/fault.ts";
import type { CallContext, Endpoint } from "../../../src/rpc/endpoint.ts";
import { RpcError } from "../../../src/rpc/error.ts";
import { type FakeServer, overTheWire } from "./fake-server.ts";

/**
 * Goes through the wire's encoding both ways, so that nothing is shared between the two sides. A call that is cancelled
 * or out of time is over for both at once.
 */
export function inProcess(server: FakeServer): Transport {
  const arrive = (method: string, request: Message) => {
    const earlier = server.calls.filter((each) => each === method).length;
    server.calls.push(method);
    server.requests.push(request);
    return { method, request, earlier };
  };

  return {
    async unary(method, signal, timeoutMs, headers, input) {
      const request = copy(method.input, create(method.input, input));
      const open = openCall(server, timeoutMs, signal, new Headers(headers));
      const call = async () => {
        try {
          return copy(method.output, await endpointOf(server, method.localName, "unary").call(request, open.context));
        } catch (error) {
          throw asReceived(error);
        }
      };
      const answering = server.meddle(arrive(method.localName, request), call);
      const message = (await open.race(answering)) as never;
      const empty = { header: new Headers(), trailer: new Headers() };
      return { stream: false, service: method.parent, method, message, ...empty };
    },

    async stream(method, signal, timeoutMs, headers, input) {
      const [first] = await Array.fromAsync(input);
      const request = copy(method.input, create(method.input, first));
      const open = openCall(server, timeoutMs, signal, new Headers(headers));
      async function* send(): AsyncGenerator<Message> {
        try {
          const endpoint = endpointOf(server, method.localName, "server_streaming");
          for await (const message of endpoint.call(request, open.context)) yield copy(method.output, message);
        } catch (error) {
          throw asReceived(error);
        }
      }
      const sent = server.meddleStream(send(), arrive(method.localName, request))[Symbol.asyncIterator]();
      async function* receive(): AsyncGenerator<never> {
        for (;;) {
          const { done, value } = await open.race(sent.next());
          if (done) return;
          yield value as never;
        }
      }
      const empty = { header: new Headers(), trailer: new Headers() };
      return { stream: true, service: method.parent, method, message: receive(), ...empty };
    },
  };
}

function endpointOf<Kind extends Endpoint["kind"]>(server: FakeServer, name: string, kind: Kind) {
  const endpoint = server.endpoints.find(({ method }) => method.localName === name);
  if (endpoint?.kind !== kind) throw new Error(`no ${kind} endpoint ${name}`);
  return endpoint as Extract<Endpoint, { readonly kind: Kind }>;
}

function copy(type: DescMessage, message: Message): Message {
  return fromBinary(type, toBinary(type, message));
}

function asReceived(error: unknown): unknown {
  return error instanceof RpcError ? overTheWire(error) : error;
}

/** Both ends of a call. */
function openCall(
  server: FakeServer,
  timeoutMs: number | undefined,
  signal: AbortSignal | undefined,
  headers: Headers,
) {
  const hungUp = Promise.withResolvers<never>();
  const reached = Promise.withResolvers<boolean>();
  const gone = new AbortController();
  hungUp.promise.catch(() => undefined);
  const hangUp = (code: Code, fault: Fault) => {
    hungUp.reject(new ConnectError(fault.message, code));
    reached.resolve(false);
    gone.abort(fault);
  };
  const cancelTimer = server.clock.after(timeoutMs ?? Number.POSITIVE_INFINITY, () =>
    hangUp(Code.DeadlineExceeded, new Fault("DEADLINE_EXCEEDED", "the deadline passed")),
  );
  const onAbort = () => {
    cancelTimer();
    hangUp(Code.Canceled, new Fault("CANCELLED", "cancelled"));
  };
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const context: CallContext = {
    requestId: "test",
    deadline: Number.POSITIVE_INFINITY,
    signal: gone.signal,
    retiring: new AbortController().signal,
    answered: async () => server.believes(await reached.promise),
    metadata: (name) => headers.get(name) ?? undefined,
    certificate: () => null,
    transport: "grpc",
  };

  return {
    context,
    /** What comes first: this, or the end of the call. */
    async race<T>(answering: Promise<T>): Promise<T> {
      try {
        const answer = await Promise.race([answering, hungUp.promise]);
        reached.resolve(true);
        return answer;
      } catch (error) {
        reached.resolve(false);
        throw error;
      } finally {
        cancelTimer();
      }
    },
  };
}

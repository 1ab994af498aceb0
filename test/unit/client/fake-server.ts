import { randomBytes } from "node:crypto";
import { create, type DescMessage, type DescMethodUnary, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import { anonymous } from "../../../src/auth/authenticator.ts";
import { type ClientOptions, createClient, type Holdfast, type Warning } from "../../../src/client/client.ts";
import type { Fault } from "../../../src/domain/fault.ts";
import type { CallContext, Endpoint } from "../../../src/rpc/endpoint.ts";
import { createEndpoints } from "../../../src/rpc/endpoints.ts";
import { RpcError } from "../../../src/rpc/error.ts";
import { silentRpcObserver } from "../../../src/rpc/observer.ts";
import { toRpcError } from "../../../src/rpc/status.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import { createStaticDirectory } from "../../../src/tenants/static.ts";
import { waitAlone } from "../../support/waiting.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";

/** What happens to a call: `pass` has the server act and answer. A fault that returns without passing loses the call. */
export type Meddle = (call: MeddledCall, pass: () => Promise<Message>) => Promise<Message>;

export interface MeddledCall {
  readonly method: string;
  readonly request: Message;
  /** How many calls of this method came before. */
  readonly earlier: number;
}

/** The real handlers over the memory store, reached without a network, and everything by one manual clock. */
export interface FakeServer {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly endpoints: readonly Endpoint[];
  /** Method names, in order of arrival. */
  readonly calls: string[];
  readonly requests: Message[];
  readonly warnings: Warning[];
  meddle: Meddle;
  /** Rejects as if the handler had thrown the fault. */
  refuse(fault: Fault): Promise<never>;
  admission: Fault | null;
  client(options?: ClientOptions): Holdfast;
}

export function createFakeServer(): FakeServer {
  const clock = createManualClock();
  const newToken = () => randomBytes(16);
  const store = createMemoryStore({ now: () => Math.round(1.8e15 + clock.monotonicMs() * 1000), newToken });
  const serverClock = {
    monotonicMs: clock.monotonicMs,
    sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal ?? neverAborted),
    turn: async () => {},
  };
  const endpoints = createEndpoints({
    ...waitAlone({ store, clock: serverClock }),
    tenants: createStaticDirectory(),
    authenticator: anonymous,
    observer: silentRpcObserver,
    clock: serverClock,
    admission: () => server.admission,
    newToken,
    random: () => 0.5,
  });
  const server: FakeServer = {
    clock,
    store,
    endpoints,
    calls: [],
    requests: [],
    warnings: [],
    meddle: (_, pass) => pass(),
    admission: null,
    refuse: (fault) => {
      const context = { requestId: "test", deadline: Number.POSITIVE_INFINITY } as CallContext;
      return Promise.reject(overTheWire(toRpcError(fault, context, () => 0.5)));
    },
    client: (options) =>
      createClient({
        transport: inProcess(server),
        clock,
        onWarning: (warning) => server.warnings.push(warning),
        ...options,
      }),
  };
  return server;
}

const neverAborted = new AbortController().signal;

export function unavailable(): ConnectError {
  return new ConnectError("connection lost", Code.Unavailable);
}

/** Has the server act on the first calls of a method, and loses its answers. */
export function loseAnswers(method: string, count: number): Meddle {
  return async (call, pass) => {
    const answer = await pass();
    if (call.method === method && call.earlier < count) throw unavailable();
    return answer;
  };
}

/** Goes through the wire's encoding both ways, so that nothing is shared between the two sides. */
function inProcess(server: FakeServer): Transport {
  return {
    async unary(method, signal, timeoutMs, _headers, input) {
      const request = fromBinary(method.input, toBinary(method.input, create(method.input, input)));
      const call = {
        method: method.localName,
        request,
        earlier: server.calls.filter((each) => each === method.localName).length,
      };
      server.calls.push(call.method);
      server.requests.push(request);
      const answering = server.meddle(call, () => answer(server, method, request));
      const message = (await withinTime(server.clock, answering, timeoutMs, signal)) as never;
      const headers = { header: new Headers(), trailer: new Headers() };
      return { stream: false, service: method.parent, method, message, ...headers };
    },
    stream: () => Promise.reject(new ConnectError("no streams here", Code.Unimplemented)),
  };
}

async function answer(server: FakeServer, method: DescMethodUnary, request: Message): Promise<Message> {
  const endpoint = server.endpoints.find((each) => each.method.localName === method.localName);
  if (endpoint?.kind !== "unary") throw new Error(`no unary endpoint ${method.localName}`);
  const context = {
    requestId: "test",
    deadline: Number.POSITIVE_INFINITY,
    signal: neverAborted,
    retiring: new AbortController().signal,
    answered: async () => true,
    metadata: () => undefined,
    transport: "grpc",
  } as const;
  try {
    const output: DescMessage = method.output;
    return fromBinary(output, toBinary(output, await endpoint.call(request, context)));
  } catch (error) {
    throw error instanceof RpcError ? overTheWire(error) : error;
  }
}

function overTheWire(error: RpcError): ConnectError {
  const wire = new ConnectError(error.message, error.code as number as Code);
  const { details } = fromBinary(StatusSchema, error.status);
  wire.details = details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value }));
  return wire;
}

function withinTime<T>(
  clock: ManualClock,
  promise: Promise<T>,
  timeoutMs: number | undefined,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(timeoutMs ?? Number.POSITIVE_INFINITY, () =>
      reject(new ConnectError("the deadline passed", Code.DeadlineExceeded)),
    );
    const onAbort = () => reject(new ConnectError("cancelled", Code.Canceled));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => {
      cancel();
      signal?.removeEventListener("abort", onAbort);
    });
    signal?.addEventListener("abort", cancel, { once: true });
  });
}

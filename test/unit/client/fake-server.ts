import { randomBytes } from "node:crypto";
import { fromBinary, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import { anonymous } from "../../../src/auth/authenticator.ts";
import { type ClientOptions, createClient, type Holdfast, type Warning } from "../../../src/client/client.ts";
import type { Fault } from "../../../src/domain/fault.ts";
import type { CallContext, Endpoint } from "../../../src/rpc/endpoint.ts";
import { createEndpoints } from "../../../src/rpc/endpoints.ts";
import type { RpcError } from "../../../src/rpc/error.ts";
import { silentRpcObserver } from "../../../src/rpc/observer.ts";
import { toRpcError } from "../../../src/rpc/status.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import { noTracing, type Tracing } from "../../../src/telemetry/tracing.ts";
import { plainRuntime } from "../../../src/tenants/runtime.ts";
import { createStaticTenants } from "../../../src/tenants/static.ts";
import type { Hub } from "../../../src/waiting/hub.ts";
import { waitAlone } from "../../support/waiting.ts";
import { inProcess } from "./in-process.ts";
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
  readonly hub: Hub;
  readonly endpoints: readonly Endpoint[];
  /** Method names, in order of arrival. */
  readonly calls: string[];
  readonly requests: Message[];
  readonly warnings: Warning[];
  meddle: Meddle;
  /** What becomes of a stream's messages on their way. */
  meddleStream: (messages: AsyncIterable<Message>, call: MeddledCall) => AsyncIterable<Message>;
  /** What the server takes for true of an answer that has reached its caller, or has not. */
  believes: (hasReached: boolean) => boolean | Promise<boolean>;
  /** Rejects as if the handler had thrown the fault. */
  refuse(fault: Fault): Promise<never>;
  admission: Fault | null;
  client(options?: ClientOptions): Holdfast;
}

export function createFakeServer(tracing: Tracing = noTracing): FakeServer {
  const clock = createManualClock();
  const newToken = () => randomBytes(16);
  const store = createMemoryStore({ now: () => Math.round(1.8e15 + clock.monotonicMs() * 1000), newToken });
  const serverClock = {
    monotonicMs: clock.monotonicMs,
    sleep: (ms: number, signal?: AbortSignal) => clock.foreign.sleep(ms, signal ?? neverAborted),
    turn: async () => {},
  };
  // Whatever changes, changes here: so nothing has to be read for the case that somebody did not say so.
  const alone = waitAlone({ store, clock: serverClock }, { backstopMs: Number.POSITIVE_INFINITY });
  alone.hub.setListening(true);
  const endpoints = createEndpoints({
    waiting: alone.waiting,
    tenants: createStaticTenants(plainRuntime(alone)),
    authenticator: anonymous,
    observer: silentRpcObserver,
    clock: serverClock,
    admission: () => server.admission,
    newToken,
    random: () => 0.5,
    tracing,
  });
  const server: FakeServer = {
    clock,
    store: alone.store,
    hub: alone.hub,
    endpoints,
    calls: [],
    requests: [],
    warnings: [],
    meddle: (_, pass) => pass(),
    meddleStream: (messages) => messages,
    believes: (hasReached) => hasReached,
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

export function overTheWire(error: RpcError): ConnectError {
  const wire = new ConnectError(error.message, error.code as number as Code);
  const { details } = fromBinary(StatusSchema, error.status);
  wire.details = details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value }));
  return wire;
}

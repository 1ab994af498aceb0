import { type ClientOptions, createClient, type Holdfast } from "../../../../src/client/client.ts";
import { systemClock } from "../../../../src/clock.ts";
import { Fault, type FaultCode } from "../../../../src/domain/fault.ts";
import type { CallContext, Endpoint } from "../../../../src/rpc/endpoint.ts";
import { silentRpcObserver } from "../../../../src/rpc/observer.ts";
import { createSession } from "../../../../src/rpc/session.ts";
import { toRpcError } from "../../../../src/rpc/status.ts";
import { type Listening, serveGrpc } from "../../../../src/server/grpc.ts";
import { ROOM } from "../../../../src/server/limits.ts";
import { createRoom } from "../../../../src/server/room.ts";
import { silentLog } from "../../../../src/telemetry/log.ts";
import { createFakeServer, type FakeServer } from "../fake-server.ts";

/** A call as it arrived: on a session, or alone. */
export interface Seen {
  readonly way: "session" | "alone";
  readonly method: string;
  readonly authorization: string | undefined;
  readonly traceparent: string | undefined;
}

export interface Served {
  readonly server: FakeServer;
  readonly address: string;
  readonly listening: Listening;
  readonly seen: Seen[];
  /** "session claim", "alone complete" and so on. */
  ways(): readonly string[];
}

export interface ServeOptions {
  readonly server?: FakeServer;
  /** False: as servers that know of none. */
  readonly sessions?: boolean;
  readonly callsMax?: number;
  readonly waitsMax?: number;
  /** Why a call is refused. */
  readonly refuse?: (call: Seen) => FaultCode | null;
  /** Told of a call, and when it is cancelled or answered: "session claim", "session claim answered". */
  readonly note?: (line: string) => void;
}

/** The real handlers over one memory store, on a port; `cleanups` are to be called when the test is over. */
export async function serve(cleanups: (() => unknown)[], options: ServeOptions = {}): Promise<Served> {
  const { server = createFakeServer(), sessions = true, callsMax = 100, waitsMax = 100 } = options;
  const { refuse = () => null, note = () => undefined } = options;
  const seen: Seen[] = [];
  const guarded = (way: Seen["way"]) =>
    server.endpoints.map((endpoint): Endpoint => {
      if (endpoint.kind !== "unary") return endpoint;
      const method = endpoint.method.localName;
      const call: typeof endpoint.call = async (request, context: CallContext) => {
        const metadata = (name: string) => context.metadata(name);
        const own = { way, method, authorization: metadata("authorization"), traceparent: metadata("traceparent") };
        seen.push(own);
        const code = refuse(own);
        if (code !== null) throw toRpcError(new Fault(code, "refused"), context, () => 0.5);
        note(`${way} ${method}`);
        context.signal.addEventListener("abort", () => note(`${way} ${method} cancelled`));
        const answer = await endpoint.call(request, context);
        note(`${way} ${method} answered`);
        return answer;
      };
      return { ...endpoint, call };
    });
  const clock = { ...systemClock, monotonicMs: server.clock.monotonicMs };
  const session = createSession(
    {
      ...{ clock, random: Math.random, observer: silentRpcObserver },
      sessions: { opened() {}, closed() {}, paused() {} },
      limits: { callsMax, waitsMax, requestBytesMax: 1024 * 1024, waitBytesMax: 1024 * 1024 },
    },
    guarded("session"),
  );
  const listening = await serveGrpc(
    { host: "127.0.0.1", port: 0 },
    {
      ...{ endpoints: guarded("alone"), sessions: sessions ? [session] : [], clock, log: silentLog, tls: null },
      ...{ maxConnectionAgeMs: 300_000, maxConcurrentStreams: 100, room: createRoom(ROOM) },
    },
  );
  cleanups.push(() => listening.destroy());
  const ways = () => seen.map(({ way, method }) => `${way} ${method}`);
  return { server, seen, ways, listening, address: `127.0.0.1:${listening.address.port}` };
}

export function open(cleanups: (() => unknown)[], options: ClientOptions): Holdfast {
  const holdfast = createClient({ retry: { baseDelayMs: 5, maxDelayMs: 50 }, transport: "session", ...options });
  cleanups.push(() => holdfast.close());
  return holdfast;
}

let count = 0;

/** Makes claims until one goes on a session. */
export async function untilCarried({ rpc }: Holdfast, { seen }: Pick<Served, "seen">): Promise<void> {
  do await rpc.claim({ key: { scope: "before", key: `${++count}` }, claimId: `before-the-test-${count}` });
  while (seen.at(-1)?.way !== "session");
  seen.splice(0);
}

/** Of what happens on the other side of a connection. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  IdempotencyService,
  SessionRequestSchema,
  type SessionResponse,
  SessionResponseSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { createSession } from "../../../src/rpc/session.ts";
import { serveGrpc } from "../../../src/server/grpc.ts";
import { framedBytes, MessageReader, writeFramed } from "../../../src/server/grpc-messages.ts";
import { createRoom } from "../../../src/server/room.ts";
import { pathOf } from "../../../src/server/service-definition.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import type { TestTls } from "../../support/tls.ts";
import { type Bundle, bundle } from "../rpc/bundle.ts";
import { LIMITS } from "../rpc/session-stand.ts";
import { createManualClock, type ManualClock } from "../store/manual-clock.ts";

const MIB = 1024 * 1024;

export type RequestInit = Extract<MessageInitShape<typeof SessionRequestSchema>, { readonly $typeName?: never }>;

export interface WireOptions {
  readonly tls?: TestTls | null;
  readonly callsMax?: number;
  readonly requestBytesMax?: number;
  readonly maxConnectionAgeMs?: number;
}

/** Sessions over the memory store on a real port, time moved by hand. */
export interface SessionServer extends Disposable {
  readonly own: Bundle;
  readonly clock: ManualClock;
  readonly grpc: Awaited<ReturnType<typeof serveGrpc>>;
  /** How often a session was not read because too much was open. */
  pauses(): number;
  /** Fills the room for large answers until it is left. */
  fill(): { leave(): void };
  /** A connection of its own, whose streams have this window. */
  connect(initialWindowSize?: number): ClientHttp2Session;
}

export async function openSessionServer(options: WireOptions = {}): Promise<SessionServer> {
  const { tls = null, maxConnectionAgeMs = 3_600_000 } = options;
  const { callsMax = LIMITS.callsMax, requestBytesMax = LIMITS.requestBytesMax } = options;
  let pauses = 0;
  const clock = createManualClock();
  const own = bundle({ clock });
  const nothing = () => {};
  const session = createSession(
    {
      ...{ observer: own.observed, clock, random: () => 0.5, limits: { ...LIMITS, callsMax, requestBytesMax } },
      sessions: { opened: nothing, closed: nothing, paused: () => void pauses++ },
    },
    own.endpoints,
  );
  const room = createRoom({ bytesMax: MIB, connectionBytesMax: MIB });
  const grpc = await serveGrpc(
    { host: "127.0.0.1", port: 0 },
    {
      ...{ endpoints: own.endpoints, sessions: [session], clock, log: silentLog, room, tls, maxConnectionAgeMs },
      maxConcurrentStreams: 100,
    },
  );
  const connections: ClientHttp2Session[] = [];
  return {
    ...{ own, clock, grpc, pauses: () => pauses },
    fill: () => room.enter({}, MIB),
    connect(initialWindowSize = MIB) {
      const connection = connect(`${tls ? "https" : "http"}://127.0.0.1:${grpc.address.port}`, {
        settings: { initialWindowSize },
        ...(tls && { ca: tls.authority.caPem }),
      });
      connections.push(connection.on("error", nothing));
      return connection;
    },
    [Symbol.dispose]() {
      for (const connection of connections) connection.destroy();
      grpc.destroy();
    },
  };
}

export interface WireSession {
  readonly stream: ClientHttp2Stream;
  readonly received: readonly SessionResponse[];
  readonly closed: Promise<void>;
  /** The server has ended its side. */
  readonly ended: Promise<void>;
  /** Undefined before the trailers. */
  status(): number | undefined;
  message(): string;
  send(...messages: readonly RequestInit[]): void;
  /** Resolves when so many messages have come, Hello included. */
  until(count: number): Promise<void>;
}

export function encode(...messages: readonly RequestInit[]): Buffer {
  return Buffer.concat(
    messages.map((message) => {
      const bytes = toBinary(SessionRequestSchema, create(SessionRequestSchema, message));
      const target = Buffer.alloc(framedBytes([bytes]));
      writeFramed(target, 0, [bytes]);
      return target;
    }),
  );
}

/** A stream, down to the bytes. */
export function openWireSession(on: ClientHttp2Session, headers: OutgoingHttpHeaders = {}): WireSession {
  const stream = on.request({
    ...{ ":method": "POST", ":path": pathOf(IdempotencyService.method.session), te: "trailers" },
    ...{ "content-type": "application/grpc", ...headers },
  });
  const reader = new MessageReader(2 * MIB);
  const received: SessionResponse[] = [];
  const waiting = new Map<number, () => void>();
  let trailers: Readonly<Record<string, unknown>> = {};
  stream.on("error", () => undefined);
  stream.on("trailers", (found) => {
    trailers = found;
  });
  stream.on("data", (chunk: Buffer) => {
    reader.push(chunk);
    for (let next = reader.next(); next !== null; next = reader.next()) {
      received.push(fromBinary(SessionResponseSchema, next));
      waiting.get(received.length)?.();
    }
  });
  return {
    ...{ stream, received },
    closed: new Promise((resolve) => stream.once("close", resolve)),
    ended: new Promise((resolve) => stream.once("end", resolve)),
    status: () => (trailers["grpc-status"] === undefined ? undefined : Number(trailers["grpc-status"])),
    message: () => decodeURIComponent(String(trailers["grpc-message"])),
    send: (...messages) => void stream.write(encode(...messages)),
    until: (count) =>
      received.length >= count ? Promise.resolve() : new Promise((resolve) => waiting.set(count, resolve)),
  };
}

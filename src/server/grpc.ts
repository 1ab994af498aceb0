import type { DescService } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import type { Clock } from "../clock.ts";
import { SIZES } from "../domain/limits.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import type { SessionEndpoint } from "../rpc/session-line.ts";
import type { Log } from "../telemetry/log.ts";
import { type Address, formatAddress } from "./config/kinds.ts";
import { createConnections } from "./grpc-connections.ts";
import { openDoor } from "./grpc-door.ts";
import { Delivered, grpcHandler, type HandlerDeps } from "./grpc-handlers.ts";
import { createGrpcSessions } from "./grpc-sessions.ts";
import { unpackInTurn } from "./grpc-unpacking.ts";
import { UNPACKING } from "./limits.ts";
import { cannotListen } from "./operator-error.ts";
import { type ReflectionHandlers, reflectionServices } from "./reflection.ts";
import { createRoom, type Room } from "./room.ts";
import { pathOf, serviceDefinition } from "./service-definition.ts";
import { ChangingCredentials } from "./tls/grpc-credentials.ts";
import type { Tls } from "./tls.ts";

export interface GrpcServerDeps {
  readonly endpoints: readonly Endpoint[];
  /** Those that carry calls on a stream; of services that have endpoints too. */
  readonly sessions?: readonly SessionEndpoint[];
  readonly clock: Clock;
  readonly log: Log;
  readonly maxConnectionAgeMs: number;
  readonly maxConcurrentStreams: number;
  /** For large answers, shared by both ports. */
  readonly room: Room;
  /** Null: clear text. */
  readonly tls: Tls | null;
}

/** A server that listens, and its two ways to stop. */
export interface Listening {
  /** With the port that was really taken. */
  readonly address: Address;
  /** Takes no new calls, tells the peers, and resolves when the calls in flight have ended. */
  close(): Promise<void>;
  /** Cuts off what is still there. */
  destroy(): void;
}

export async function serveGrpc(address: Address, deps: GrpcServerDeps): Promise<Listening> {
  // What grpc-js prints quotes headers; what matters reaches the endpoints.
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const unpacking = createRoom(UNPACKING);
  const server = new grpc.Server({
    "grpc.max_receive_message_length": SIZES.messageBytesMax,
    "grpc.max_concurrent_streams": deps.maxConcurrentStreams,
    "grpc.enable_channelz": 0,
    interceptors: [unpackInTurn(unpacking)],
  });
  const { clock, log, room, tls, maxConnectionAgeMs: maxAgeMs } = deps;
  const connections = createConnections({
    ...{ clock, random: Math.random, maxAgeMs },
    reset: (session) => door.reset(session),
  });
  const sessions = createGrpcSessions(clock);
  const all = [...deps.endpoints, ...(deps.sessions ?? [])];
  const paths = addEndpoints(server, all, { clock, log, room, unpacking, connections, sessions });
  const reflection = reflectionServices(deps.endpoints.map(({ method }) => method.parent));
  const reflectionPaths = addReflection(server, reflection);
  const port = await bind(server, address, tls);
  const pathsOf = (kind: (typeof all)[number]["kind"]) =>
    new Set(all.flatMap((endpoint) => (endpoint.kind === kind ? [pathOf(endpoint.method)] : [])));
  const door = openDoor(server, {
    ...{ clock, tls, welcome: connections.welcome },
    paths: paths.union(reflectionPaths),
    openEndedPaths: reflectionPaths.union(pathsOf("session")),
    streamPaths: pathsOf("server_streaming"),
  });
  const dispose = () => {
    sessions[Symbol.dispose]();
    connections[Symbol.dispose]();
    door[Symbol.dispose]();
  };
  return {
    address: { host: address.host, port },
    close() {
      connections.leave();
      sessions.leave();
      door.closeUnsecured();
      return shutDown(server).finally(dispose);
    },
    destroy() {
      connections.leave();
      server.forceShutdown();
      door.destroy();
      dispose();
    },
  };
}

type AnyEndpoint = Endpoint | SessionEndpoint;

function addEndpoints(server: grpc.Server, all: readonly AnyEndpoint[], deps: HandlerDeps): ReadonlySet<string> {
  const paths = new Set<string>();
  const services = new Map<DescService, AnyEndpoint[]>();
  for (const endpoint of all) {
    const { parent } = endpoint.method;
    services.set(parent, [...(services.get(parent) ?? []), endpoint]);
  }
  for (const [service, endpoints] of services) {
    const definition = delivering(serviceDefinition(service));
    for (const { path } of Object.values(definition)) paths.add(path);
    const handlers = endpoints.map((endpoint) => [endpoint.method.localName, grpcHandler(endpoint, deps)]);
    server.addService(definition, Object.fromEntries(handlers));
  }
  return paths;
}

/** The same service, of which the requests that come alone are `Delivered`. */
function delivering(definition: ReturnType<typeof serviceDefinition>): grpc.ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => {
    const { requestDeserialize: decode } = method;
    return [
      name,
      method.requestStream
        ? method
        : { ...method, requestDeserialize: (bytes: Buffer) => new Delivered(decode(bytes)) },
    ];
  });
  return Object.fromEntries(methods);
}

function addReflection(server: grpc.Server, services: readonly ReflectionHandlers[]): ReadonlySet<string> {
  const paths = new Set<string>();
  for (const { service, handlers } of services) {
    const definition = serviceDefinition(service);
    for (const { path } of Object.values(definition)) paths.add(path);
    server.addService(definition, handlers);
  }
  return paths;
}

function bind(server: grpc.Server, address: Address, tls: Tls | null): Promise<number> {
  const credentials = tls === null ? grpc.ServerCredentials.createInsecure() : new ChangingCredentials(tls);
  return new Promise((resolve, reject) => {
    server.bindAsync(formatAddress(address), credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(cannotListen(address, "grpc-address", error));
    });
  });
}

function shutDown(server: grpc.Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.tryShutdown((error) => (error === undefined ? resolve() : reject(error)));
  });
}

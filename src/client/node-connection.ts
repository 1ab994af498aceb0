import type { Transport } from "@connectrpc/connect";
import type { Clock } from "./clock.ts";
import type { ClosableTransport } from "./closable-transport.ts";
import { type Addresses, type CallerOptions, type Connection, connectionOver } from "./connection.ts";
import { createGrpcTransport } from "./grpc-transport.ts";
import { createHttpTransport } from "./http-transport.ts";
import { clientContext, type TlsOptions } from "./tls.ts";
import { TlsCredentials } from "./tls-credentials.ts";

/** Where the servers are, and who calls them over what. */
export interface ConnectionOptions extends CallerOptions {
  /** Default: clear text. True: the server's certificate is checked against the authorities of Node. */
  readonly tls?: true | TlsOptions;
  /**
   * "grpc", the default, is grpc-js, with an HTTP/2 stream for each call.
   *
   * "session" is the same with one stream per server for Claim, Heartbeat, Complete and Fail: for processes that make
   * hundreds of calls a second and more, on which it saves most of a call's cost at both ends; for a few there is nothing
   * to gain. Whenever a server takes no session, for now or at all, its calls go as with "grpc". A session that nobody
   * uses is given up within a second; until then Node does not end by itself, but for close().
   *
   * "connect" is the Connect protocol over plain HTTP, for where gRPC does not get through: the addresses are those of
   * the HTTP ports, or of what is in front of them. A call that waits has a connection to itself.
   *
   * A transport that is handed in is closed by whoever made it, who also sees to its encryption; it is given the
   * credential.
   */
  readonly transport?: "grpc" | "session" | "connect" | Transport;
  /**
   * Of "connect": default "1.1", which is what a server's HTTP port speaks. "2" is for a proxy in front of it that does,
   * and has all calls share one connection per address.
   */
  readonly httpVersion?: "1.1" | "2";
}

/** @throws TypeError for options that contradict each other, or would show a credential to whoever listens. */
export function openConnection(options: ConnectionOptions, clock: Clock): Connection {
  const { transport = "grpc", httpVersion } = options;
  if (httpVersion !== undefined && transport !== "connect") {
    throw new TypeError('httpVersion is for the transport "connect"');
  }
  if (typeof transport !== "string") return connectionOver(options, clock, transport, null);
  const make = MAKERS.get(transport);
  if (make === undefined) {
    const known = '"grpc", "session", "connect" or a Transport of connect';
    throw new TypeError(`transport must be ${known}, and not ${show(transport)}`);
  }
  return connectionOver(options, clock, null, (addresses) => make(options, addresses, clock));
}

type Make = (options: ConnectionOptions, addresses: Addresses, clock: Clock) => ClosableTransport;

function grpcTransport({ transport, tls }: ConnectionOptions, addresses: Addresses, clock: Clock): ClosableTransport {
  const sessions = transport === "session";
  if (tls === undefined) return createGrpcTransport({ addresses, sessions, clock });
  const serverName = tls === true ? undefined : tls.serverName;
  return createGrpcTransport({
    ...{ addresses, credentials: new TlsCredentials(clientContext(tls)), sessions, clock },
    ...(serverName !== undefined && { serverName }),
  });
}

function connectTransport(options: ConnectionOptions, addresses: Addresses, clock: Clock): ClosableTransport {
  const { tls, httpVersion = "1.1" } = options;
  if (httpVersion !== "1.1" && httpVersion !== "2") {
    throw new TypeError(`httpVersion must be "1.1" or "2", and not ${show(httpVersion)}`);
  }
  const security = tls && { context: clientContext(tls), serverName: tls === true ? undefined : tls.serverName };
  return createHttpTransport({
    ...{ addresses, clock, isSecure: tls !== undefined },
    // Loaded by the first call: who uses gRPC has no need of it.
    open: async (baseUrl) => {
      const { openNodeHttp } = await import("./node-http.ts");
      return openNodeHttp(baseUrl, httpVersion, security);
    },
  });
}

const MAKERS: ReadonlyMap<string, Make> = new Map([
  ["grpc", grpcTransport],
  ["session", grpcTransport],
  ["connect", connectTransport],
]);

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

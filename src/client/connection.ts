import type { Transport } from "@connectrpc/connect";
import { isLoopback } from "./address.ts";
import { authorizedTransport } from "./authorized-transport.ts";
import type { Clock } from "./clock.ts";
import { createCredential, type Token } from "./credentials.ts";
import { createGrpcTransport, type GrpcTransport } from "./grpc-transport.ts";
import { clientContext, type TlsOptions } from "./tls.ts";
import { TlsCredentials } from "./tls-credentials.ts";
import { traceTransport } from "./tracing.ts";

/** Where the servers are, and who calls them over what. */
export interface ConnectionOptions {
  /** host:port of the server. */
  readonly address?: string;
  /** host:port of several servers on one database; calls go round, and past those that are down. */
  readonly addresses?: readonly string[];
  /** Sent with every call. Needs TLS, but to this machine. */
  readonly apiKey?: string;
  /**
   * A JWT, instead of an API key. A function is asked before each call, on the call's time, and once more when the server
   * has refused what it gave; it keeps its token for as long as it is good. When it throws, the call is tried again.
   */
  readonly token?: Token;
  /** Default: clear text. True: the server's certificate is checked against the authorities of Node. */
  readonly tls?: true | TlsOptions;
  /** Sends a credential in clear text also to other machines: something between them encrypts. */
  readonly allowPlaintext?: boolean;
  /**
   * "grpc", the default, is grpc-js, with an HTTP/2 stream for each call.
   *
   * "session" is the same with one stream per server for Claim, Heartbeat, Complete and Fail: for processes that make
   * hundreds of calls a second and more, on which it saves most of a call's cost at both ends; for a few there is nothing
   * to gain. Whenever a server takes no session, for now or at all, its calls go as with "grpc". A session that nobody
   * uses is given up within a second; until then Node does not end by itself, but for close().
   *
   * A transport that is handed in is closed by whoever made it, who also sees to its encryption; it is given the
   * credential.
   */
  readonly transport?: "grpc" | "session" | Transport;
}

export interface Connection {
  readonly transport: Transport;
  /** Ends calls under way and disconnects, unless the transport was handed in. */
  close(): void;
}

/** @throws TypeError for options that contradict each other, or would show a credential to whoever listens. */
export function openConnection(options: ConnectionOptions, clock: Clock): Connection {
  const { transport: given = "grpc", tls } = options;
  const credential = createCredential(options);
  const own = typeof given === "string" ? ownTransport(options, clock, credential !== null) : null;
  if (own === null && tls !== undefined) throw new TypeError("tls is for the transport of this client");
  const transport = own ?? (given as Transport);
  return {
    // Outermost: what a credential takes, a second try included, is part of the call.
    transport: traceTransport(credential === null ? transport : authorizedTransport(transport, credential, clock)),
    close: () => own?.close(),
  };
}

function ownTransport(options: ConnectionOptions, clock: Clock, hasCredential: boolean): GrpcTransport {
  const { transport = "grpc", tls, allowPlaintext = false } = options;
  if (transport !== "grpc" && transport !== "session") {
    throw new TypeError(`transport must be "grpc", "session" or a Transport of connect, and not ${show(transport)}`);
  }
  const addresses = addressesOf(options);
  const sessions = transport === "session";
  if (tls !== undefined) {
    const serverName = tls === true ? undefined : tls.serverName;
    return createGrpcTransport({
      ...{ addresses, credentials: new TlsCredentials(clientContext(tls)), sessions, clock },
      ...(serverName !== undefined && { serverName }),
    });
  }
  if (hasCredential && !allowPlaintext && !addresses.every(isLoopback)) {
    throw new TypeError(
      "the credential would cross the network in clear text: set tls, or allowPlaintext if something else encrypts",
    );
  }
  return createGrpcTransport({ addresses, sessions, clock });
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function addressesOf({ address, addresses = [] }: ConnectionOptions): readonly [string, ...string[]] {
  const [first, ...rest] = address === undefined ? addresses : [address, ...addresses];
  if (first === undefined) throw new TypeError("createClient needs an address");
  // Not quoted: there may be a password in it.
  const isUrl = [first, ...rest].some((each) => /^https?:\/\//i.test(each));
  if (isUrl) throw new TypeError("an address must be host:port of a server's gRPC port, and not a URL");
  return [first, ...rest];
}

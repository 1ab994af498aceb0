import { type ClientOptions, createClient, type Holdfast } from "../../src/client/client.ts";
import { createClient as createWebClient } from "../../src/client/web.ts";
import { startHttpBalancer } from "./http-balancer.ts";
import type { ServerProcess } from "./server.ts";

type Options = Omit<ClientOptions, "address" | "addresses" | "transport" | "tls">;

/** One of the transports of the clients. */
export interface Way {
  /** For `describe.each`. */
  readonly way: string;
  /** host:port of where it reaches the server; what is needed in between is ended with the stack. */
  reach(server: ServerProcess, stack: AsyncDisposableStack): Promise<string>;
  open(addresses: readonly string[], options?: Options): Holdfast;
}

const grpcOf: Way["reach"] = async ({ grpc }) => grpc;
const httpOf: Way["reach"] = async ({ http }) => new URL(http).host;

/** The server's HTTP port speaks HTTP/1.1, so something is in front of it that speaks the other. */
const http2Of: Way["reach"] = async ({ http }, stack) =>
  stack.use(await startHttpBalancer([new URL(http).host], "2")).address;

export const WAYS: readonly Way[] = [
  { way: "grpc", reach: grpcOf, open: (addresses, options) => createClient({ ...options, addresses }) },
  {
    way: "session",
    reach: grpcOf,
    open: (addresses, options) => createClient({ ...options, addresses, transport: "session" }),
  },
  {
    way: "connect over HTTP/1.1",
    reach: httpOf,
    open: (addresses, options) => createClient({ ...options, addresses, transport: "connect" }),
  },
  {
    way: "connect over HTTP/2",
    reach: http2Of,
    open: (addresses, options) => createClient({ ...options, addresses, transport: "connect", httpVersion: "2" }),
  },
  { way: "the web client", reach: httpOf, open: (addresses, options) => createWebClient({ ...options, addresses }) },
];

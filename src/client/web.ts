import type { Transport } from "@connectrpc/connect";
import { systemClock } from "./clock.ts";
import { type Addresses, type CallerOptions, connectionOver } from "./connection.ts";
import { type Fetch, fetchHttp } from "./fetch-http.ts";
import { createHoldfast, type Holdfast, type HoldfastOptions } from "./holdfast.ts";
import { createHttpTransport } from "./http-transport.ts";
import { webPlatform } from "./web-platform.ts";

export type { CallerOptions } from "./connection.ts";
export type { Fetch } from "./fetch-http.ts";
// biome-ignore lint/performance: what is said in client.ts.
export * from "./public.ts";
export { fingerprint, providerKey } from "./web-platform.ts";

/** Where the servers' HTTP ports are, or what is in front of them. */
export interface ClientOptions extends CallerOptions, HoldfastOptions {
  /** Default false: http. True: https, with whatever the runtime trusts; certificates cannot be given here. */
  readonly tls?: boolean;
  /** What sends the requests. Default: the global `fetch`, as it is at each call. */
  readonly fetch?: Fetch;
  /** Instead of the Connect protocol by `fetch`; closed by whoever made it, and given the credential. */
  readonly transport?: Transport;
}

/**
 * The client for browsers, edge runtimes, Deno and Bun: the Connect protocol over HTTP by `fetch`. It opens nothing, so
 * it can be made for each request.
 *
 * @throws TypeError for options that contradict each other, or would show a credential to whoever listens.
 */
export function createClient(options: ClientOptions): Holdfast {
  const { tls = false, clock = systemClock, transport = null, fetch = globalFetch } = options;
  // Plain objects are certificates, which are for Node.
  if (typeof tls !== "boolean") throw new TypeError("tls must be true or false: the runtime sees to certificates");
  if (typeof transport === "string") {
    throw new TypeError("transport must be a Transport of connect, or left out: gRPC is for holdfast/client");
  }
  const make = (addresses: Addresses) =>
    createHttpTransport({ addresses, isSecure: tls, open: () => fetchHttp(fetch), clock });
  const connection = connectionOver(options, clock, transport, transport === null ? make : null);
  return createHoldfast(options, webPlatform, connection);
}

const globalFetch: Fetch = (...args) => globalThis.fetch(...args);

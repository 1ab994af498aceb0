import { systemClock } from "./clock.ts";
import { createHoldfast, type Holdfast, type HoldfastOptions } from "./holdfast.ts";
import { type ConnectionOptions, openConnection } from "./node-connection.ts";
import { nodePlatform } from "./node-platform.ts";

// biome-ignore lint/performance/noBarrelFile: a package has one entry for each runtime, and what its users name goes through it.
export { createGrpcTransport, type GrpcTransport, type GrpcTransportOptions } from "./grpc-transport.ts";
export type { ConnectionOptions } from "./node-connection.ts";
export { fingerprint, providerKey } from "./node-platform.ts";
// biome-ignore lint/performance/noReExportAll: the names of both entries.
export * from "./public.ts";
export type { TlsOptions } from "./tls.ts";

export interface ClientOptions extends ConnectionOptions, HoldfastOptions {}

/** @throws TypeError for options that contradict each other, or would show a credential to whoever listens. */
export function createClient(options: ClientOptions): Holdfast {
  return createHoldfast(options, nodePlatform, openConnection(options, options.clock ?? systemClock));
}

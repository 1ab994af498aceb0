import { type ContextKey, createContextKey } from "@connectrpc/connect";

/** Which server a call went to. */
export interface Route {
  /** host:port, as the transport was given it; undefined before the call, and of transports that do not say. */
  address: string | undefined;
}

/** Filled in by the transport of this client when it sends the call. Others leave it as it is. */
export const ROUTE_TAKEN: ContextKey<Route | undefined> = createContextKey<Route | undefined>(undefined);

/**
 * Where a call should go, if that server is not known to be down. What is said over one connection arrives in its
 * order: a call that asks about one that was cancelled must not get there before the cancellation.
 */
export const ROUTE_WANTED: ContextKey<string | undefined> = createContextKey<string | undefined>(undefined);

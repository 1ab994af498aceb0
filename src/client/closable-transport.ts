import type { Transport } from "@connectrpc/connect";

/** One that this client has made itself. */
export interface ClosableTransport extends Transport {
  /** Ends calls under way with CANCELLED or UNAVAILABLE, and closes the connections. */
  close(): void;
}

/** For unary calls that are made without a deadline; one of 0 or less is none, as with connect's transports. */
export const DEFAULT_TIMEOUT_MS = 10_000;

import type { CallLine } from "./format.ts";

/** What is known of a call before it is answered. */
export type Begun = Pick<CallLine, "op" | "client" | "tenant" | "scope" | "key" | "input">;

/** What is known then. */
export type Answered = Pick<CallLine, "output" | "server_time_us" | "canaries" | "server">;

/** What recording transports write to. */
export interface Ledger {
  /** To be asked for before the call is sent. Ends the call when called, and does nothing the second time. */
  begin(call: Begun): (answered: Answered) => void;
  /** The host's monotonic clock. */
  nowNs(): number;
}

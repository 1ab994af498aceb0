import type { Message } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import type { Carried } from "./wire.ts";

/** A call that is to be made on a session. One of the three functions is called, once. */
export interface SessionCall {
  readonly kind: Carried;
  readonly request: Message;
  /** For how long the server may keep it open, of a claim that waits; 0 for all others. */
  readonly waitMs: number;
  /** Infinity: as long as it takes. */
  readonly timeoutMs: number;
  /** When that is over, by the clock's monotonic time. */
  readonly endMs: number;
  readonly traceparent: string;
  /** It asks about a call that was cancelled, and so must not get there before the cancelling. */
  readonly isBehind: boolean;
  readonly signal: AbortSignal | undefined;
  answered(message: Message): void;
  failed(error: ConnectError): void;
  /** It has not been sent, or has not taken effect: another way has to be found. Must not throw. */
  elsewhere(): void;
}

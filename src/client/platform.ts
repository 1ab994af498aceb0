/**
 * What the client takes from the runtime that it is part of, beyond what all of them have (`fetch`, `crypto`, timers).
 * Everything else in this folder that is not named for Node runs in browsers and at the edge as it is.
 */
export interface Platform {
  /** At once, and not as a promise: WebCrypto has it as a promise only. A text is hashed as its UTF-8. */
  sha256(data: string | Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, text: string): Uint8Array;
  /** Which process this is, for whoever waits or reconciles; empty where there is nothing to tell. */
  instance(): string;
  /** For people, where nobody has asked for warnings. */
  warn(message: string, kind: string): void;
}

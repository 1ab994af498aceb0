import { idsOf, readTraceparent } from "./traceparent.ts";

/** What is read of a call to find the trace that it belongs to. */
export interface Incoming {
  /** By lower-case name. */
  metadata(name: string): string | undefined;
  readonly transport: "grpc" | "http";
}

export type TraceAttributes = Readonly<Record<string, string | number | boolean>>;

/** The trace of one call, as far as there is one. */
export interface CallTrace {
  /** False: everything below does nothing, and need not be prepared. */
  readonly isRecorded: boolean;
  /**
   * What is stored with an attempt that the call begins: the W3C traceparent that the caller sent, sampled or not, which
   * is so without any SDK; else that of our own span, if it is recorded. Null when there is neither.
   */
  readonly traceparent: string | null;
  /** For the log. */
  readonly traceId: string | null;
  /** Runs the call's work: spans that it begins, ours and those of instrumented libraries, are below the call's. */
  run<T>(work: () => T): T;
  /** The same for each step of a stream. */
  each<T>(messages: AsyncGenerator<T, void, undefined>): AsyncIterable<T>;
  note(attributes: TraceAttributes): void;
  event(name: string): void;
  /** @param traceparent a valid one, of another call */
  link(traceparent: string, attributes: TraceAttributes): void;
  /** @param reason why it failed, as ErrorInfo has it */
  end(code: string, reason: string | null): void;
}

/** A class, for there is one with each call: what it does is shared, and the header is read only if somebody asks. */
export class UntracedCall implements CallTrace {
  readonly isRecorded = false;
  readonly #incoming: Incoming;

  constructor(incoming: Incoming) {
    this.#incoming = incoming;
  }

  get traceparent(): string | null {
    return readTraceparent(this.#incoming.metadata("traceparent"));
  }

  get traceId(): string | null {
    const { traceparent } = this;
    return traceparent === null ? null : idsOf(traceparent).traceId;
  }

  run<T>(work: () => T): T {
    return work();
  }

  each<T>(messages: AsyncGenerator<T, void, undefined>): AsyncIterable<T> {
    return messages;
  }

  note(): void {}
  event(): void {}
  link(): void {}
  end(): void {}
}

/** What one stream carries at a time. */
export interface SessionLimits {
  /** Open calls, claims with a wait not counted. */
  readonly callsMax: number;
  /** Bytes of the messages of those. */
  readonly requestBytesMax: number;
  /** Open claims with a wait. */
  readonly waitsMax: number;
  /** Bytes of the messages of those. */
  readonly waitBytesMax: number;
}

/** What is counted of a call. */
export interface Counted {
  /** A claim with a wait, and there was room for it. */
  readonly isWait: boolean;
  /** It came after Goodbye. */
  readonly isLate: boolean;
  /** Of its message, which is let go when it is answered. */
  readonly bytes: number;
}

/**
 * What a stream holds in memory. A call counts from its arrival until its answer is *taken*, for until then the answer
 * is here; the bytes of its message count until it is *answered*.
 *
 * Twice as many calls may count as Hello promises: the client may have the answers of a whole write, and may have sent
 * as many calls again, before HTTP/2 says that the write is over. Those of a client that keeps to Hello are never more:
 * what is not written yet is open to it, and what is in the write was.
 */
export class SessionTally {
  readonly #limits: SessionLimits;
  #calls = 0;
  #requestBytes = 0;
  #waits = 0;
  #unansweredWaits = 0;
  #waitBytes = 0;
  #late = 0;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  /** Nothing more is to be read. */
  get isFull(): boolean {
    const { callsMax, requestBytesMax } = this.#limits;
    return this.#calls > 2 * callsMax || this.#requestBytes > requestBytesMax;
  }

  /** All that count. */
  get calls(): number {
    return this.#calls + this.#waits;
  }

  /** Those of them that came after Goodbye. */
  get late(): number {
    return this.#late;
  }

  /** Of the messages of all calls that are not answered. */
  get bytes(): number {
    return this.#requestBytes + this.#waitBytes;
  }

  /** Why a claim with a wait and a message of so many bytes may not wait here; null if it may. */
  whyNoWait(bytes: number): string | null {
    const { waitsMax, waitBytesMax } = this.#limits;
    if (this.#unansweredWaits >= waitsMax || this.#waits >= 2 * waitsMax) {
      return `at most ${waitsMax} claims with a wait may be open on one stream, as Hello has said`;
    }
    if (this.#waitBytes + bytes <= waitBytesMax) return null;
    return `the claims with a wait that are open on one stream may be at most ${waitBytesMax} bytes together`;
  }

  arrived({ isWait, isLate, bytes }: Counted): void {
    if (isLate) this.#late++;
    if (isWait) {
      this.#waits++;
      this.#unansweredWaits++;
      this.#waitBytes += bytes;
    } else {
      this.#calls++;
      this.#requestBytes += bytes;
    }
  }

  answered({ isWait, bytes }: Counted): void {
    if (isWait) {
      this.#unansweredWaits--;
      this.#waitBytes -= bytes;
    } else this.#requestBytes -= bytes;
  }

  taken({ isWait, isLate }: Counted): void {
    if (isLate) this.#late--;
    if (isWait) this.#waits--;
    else this.#calls--;
  }
}

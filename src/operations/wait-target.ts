import type { Peeked } from "../domain/calls.ts";
import { Fault, type FaultCode } from "../domain/fault.ts";
import type { Instant } from "../domain/instant.ts";
import type { RecordKey } from "../domain/key.ts";
import { type Fingerprint, hasEnded, type StoredRecord, sameBytes } from "../domain/record.ts";
import type { Hub, Joined } from "../waiting/hub.ts";
import type { Submitted, Waiter, Wish } from "../waiting/waiter.ts";
import { faultOf } from "./faults.ts";
import { changesBetween, type RecordEvent } from "./wait-changes.ts";

/** What the targets of one call tell it. */
export interface TargetListener {
  /** A reading of this instant by the database's clock has come. */
  saw(now: Instant, isFirst: boolean): void;
  /** Not again before it was told. */
  hasNews(target: WaitTarget): void;
  failed(fault: Fault): void;
  dismissed(): void;
}

/**
 * One record of a wait. It keeps the newest reading until that is asked for, and no more: however slow the reader and
 * however fast the changes, there is no queue. An end is kept against whatever comes after it.
 *
 * A class, because there may be a hundred in each of ten thousand calls.
 */
export class WaitTarget implements Waiter {
  readonly index: number;
  readonly #fingerprint: Fingerprint;
  readonly #mustExist: boolean;
  readonly #listener: TargetListener;
  #joined: Joined | null = null;
  #told: Peeked | null = null;
  #newest: Peeked | null = null;
  #isListed = false;
  #hasEnded = false;
  #hasDoubted = false;

  constructor(index: number, fingerprint: Fingerprint, mustExist: boolean, listener: TargetListener) {
    this.index = index;
    this.#fingerprint = fingerprint;
    this.#mustExist = mustExist;
    this.#listener = listener;
  }

  join(hub: Pick<Hub, "join">, key: RecordKey): void {
    this.#joined = hub.join(key, this);
  }

  /** At any time. */
  leave(): void {
    this.#joined?.leave(this);
  }

  /** What there is to tell; from now on it is told. The end, if it is among it, is the last. */
  tell(): readonly RecordEvent[] {
    this.#isListed = false;
    if (this.#newest === null) return [];
    const events = changesBetween(this.#told, this.#newest);
    this.#told = this.#newest;
    this.#newest = null;
    return events;
  }

  see(seen: Peeked): Wish {
    if (this.#hasEnded) return "wait";
    const isFirst = this.#told === null && this.#newest === null;
    const refusal = this.#refusal(seen.record, isFirst);
    if (refusal === "FINGERPRINT_MISMATCH" && isFirst && !this.#hasDoubted) {
      // The first may have been read before this call came. What fails it for good must be true of what is now.
      this.#hasDoubted = true;
      return "read-again";
    }
    this.#listener.saw(seen.now, isFirst);
    if (refusal !== null) {
      this.#listener.failed(this.#fault(refusal));
    } else if (changesBetween(this.#told, seen).length > 0) {
      this.#hasEnded = seen.record !== null && hasEnded(seen.record);
      this.#newest = seen;
      if (!this.#isListed) this.#listener.hasNews(this);
      this.#isListed = true;
    } else {
      // It is as it was told, also if it was something else in between.
      this.#newest = null;
    }
    return "wait";
  }

  /** It never wishes to. */
  async claim(): Promise<Submitted> {
    return "refused";
  }

  dismiss(): void {
    this.#listener.dismissed();
  }

  #refusal(record: StoredRecord | null, isFirst: boolean): FaultCode | null {
    if (record === null) return this.#mustExist && isFirst ? "RECORD_NOT_FOUND" : null;
    const compared = this.#fingerprint.digest.length > 0 && record.fingerprint !== null;
    return compared && !sameBytes(record.fingerprint.digest, this.#fingerprint.digest) ? "FINGERPRINT_MISMATCH" : null;
  }

  #fault(code: FaultCode): Fault {
    return new Fault(code, `targets[${this.index}]: ${faultOf(code).message}`);
  }
}

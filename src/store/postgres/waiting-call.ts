import { Fault } from "../../domain/fault.ts";
import type { RecordKey } from "../../domain/key.ts";
import type { Carried, RecordedSpan } from "../../telemetry/tracing.ts";
import { unavailable } from "./errors.ts";
import type { Waiting } from "./fair-queue.ts";
import type { Room } from "./room.ts";

export interface NewCall<Call> {
  readonly call: Call;
  readonly key: RecordKey;
  readonly keyText: string;
  readonly bytes: number;
  /** An instant of the clock, and so is `now`. */
  readonly deadline: number;
  readonly now: number;
  readonly span: RecordedSpan | null;
}

/** A call on its way through the batches. A class, for there is one with each call: what it does is shared. */
export class WaitingCall<Call, Answer> implements Waiting, Carried {
  readonly call: Call;
  readonly key: RecordKey;
  readonly tenant: string;
  readonly keyText: string;
  readonly bytes: number;
  readonly deadline: number;
  readonly span: RecordedSpan | null;
  readonly answered: Promise<Answer>;
  /** Counts up over all calls of a batcher: tells who was here before a batch was sent. */
  order = 0;
  queuedAt: number;
  rounds = 0;
  /** It was sent, and may have taken effect unseen. */
  isInDoubt = false;
  readonly #settlement: PromiseWithResolvers<Answer>;
  readonly #room: Room;

  /** @param room is left when the call is settled */
  constructor({ call, key, keyText, bytes, deadline, now, span }: NewCall<Call>, room: Room) {
    this.call = call;
    this.key = key;
    this.tenant = key.tenant;
    this.keyText = keyText;
    this.bytes = bytes;
    this.deadline = deadline;
    this.span = span;
    this.queuedAt = now;
    this.#settlement = Promise.withResolvers<Answer>();
    this.answered = this.#settlement.promise;
    this.#room = room;
  }

  answer(answer: Answer): void {
    this.#room.leave(this);
    this.#settlement.resolve(answer);
  }

  fail(error: unknown): void {
    this.#room.leave(this);
    this.#settlement.reject(error);
  }

  /** True: its deadline has passed, and it was told so. */
  expire(now: number): boolean {
    if (this.deadline > now) return false;
    if (this.isInDoubt) this.fail(unavailable(new Error("the deadline passed before the call could be sent again")));
    else this.fail(new Fault("DEADLINE_EXCEEDED", "The deadline passed before the call was sent."));
    return true;
  }
}

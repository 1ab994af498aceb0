import type { Message } from "@bufbuild/protobuf";
import type { ObservedCall } from "./observed-call.ts";

/** The same for all streams of a method. */
export interface Source<Response> {
  open(observed: ObservedCall): Promise<AsyncIterator<Response>>;
  toMessage(response: Response): Message;
}

/**
 * The messages of a stream that is observed: as done at its end, as failed by what it throws, as abandoned when its reader
 * goes before. Its reader asks for one after the other.
 *
 * A generator by hand, for there may be ten thousand who wait for the next message: one made of a function keeps all its
 * variables meanwhile, the last message among them.
 */
export class ObservedStream<Response> implements AsyncGenerator<Message, void, undefined> {
  readonly #observed: ObservedCall;
  readonly #from: Source<Response>;
  /** Null until it is asked for the first message. */
  #source: AsyncIterator<Response> | null = null;
  #isOver = false;

  constructor(observed: ObservedCall, from: Source<Response>) {
    this.#observed = observed;
    this.#from = from;
  }

  async next(): Promise<IteratorResult<Message, undefined>> {
    if (this.#isOver) return OVER;
    try {
      const source = this.#source ?? (await this.#opened());
      const { done, value } = await source.next();
      if (!done) return { done: false, value: this.#from.toMessage(value) };
      this.#isOver = true;
      this.#observed.done();
      return OVER;
    } catch (thrown) {
      this.#isOver = true;
      // It may not have been the source that threw: of a message that cannot be made it knows nothing.
      await this.#source?.return?.().catch(() => undefined);
      throw this.#observed.failed(thrown);
    }
  }

  async return(): Promise<IteratorResult<Message, undefined>> {
    if (this.#isOver) return OVER;
    this.#isOver = true;
    try {
      await this.#source?.return?.();
    } catch (thrown) {
      throw this.#observed.failed(thrown);
    }
    this.#observed.abandoned();
    return OVER;
  }

  async throw(error: unknown): Promise<never> {
    if (this.#isOver) throw error;
    this.#isOver = true;
    // What it says to that does not matter any more.
    await this.#source?.return?.().catch(() => undefined);
    throw this.#observed.failed(error);
  }

  async #opened(): Promise<AsyncIterator<Response>> {
    this.#source = await this.#from.open(this.#observed);
    // Its reader may have gone meanwhile.
    if (this.#isOver) await this.#source.return?.();
    return this.#source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

const OVER = { done: true, value: undefined } as const;

import type { ServerHttp2Stream } from "node:http2";
import type { Clock } from "../clock.ts";
import type { Outgoing } from "../rpc/session-line.ts";
import { framedBytes, writeFramed } from "./grpc-messages.ts";
import { LARGE_ANSWER_BYTES_MIN, SESSION_WRITE_BYTES_MAX, SLOW_READER_MS } from "./limits.ts";
import type { Place, Room } from "./room.ts";

export interface AnswerWriterDeps {
  readonly stream: ServerHttp2Stream;
  readonly clock: Clock;
  readonly room: Room;
  /** An answer could not be encoded. */
  readonly onFailure: (error: unknown) => void;
}

/** What is larger has a large answer in it, and is written where it is not kept. */
const SPACE_BYTES_MAX = SESSION_WRITE_BYTES_MAX + LARGE_ANSWER_BYTES_MIN;

/** Encoded, and not handed over to HTTP/2 yet. */
interface Queued {
  readonly message: Outgoing;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  /** Of a large one. */
  readonly place: Place | null;
}

/**
 * Sends messages on an HTTP/2 stream: all that are ready at the end of a turn leave in one write. The next write waits
 * until that one is over, which is when HTTP/2 has put it into frames that the reader's window allows; so what comes
 * together while the machine is busy goes together.
 */
export class AnswerWriter {
  readonly #deps: AnswerWriterDeps;
  readonly #places = new Set<Place>();
  #queue: Queued[] = [];
  #space: Buffer = Buffer.alloc(0);
  #isFlushing = false;
  #isWriting = false;
  #isEnding = false;
  /** Since when the write that is under way, or the end, waits for the reader. */
  #sinceMs = 0;

  constructor(deps: AnswerWriterDeps) {
    this.#deps = deps;
  }

  send(message: Outgoing): void {
    const { bodyBytes } = message;
    if (bodyBytes < LARGE_ANSWER_BYTES_MIN) this.#add(message, null);
    else this.#addInTurn(message, bodyBytes).catch(this.#deps.onFailure);
  }

  /** Hands over all that is ready, and then calls back: what is written after it comes behind. */
  end(finish: () => void): void {
    this.#isEnding = true;
    if (!this.#isWriting) this.#sinceMs = this.#deps.clock.monotonicMs();
    if (this.#queue.length > 0) this.#write(this.#queue);
    this.#queue = [];
    finish();
  }

  /** Whether the reader has not taken for too long what it is sent. */
  isTooSlow(nowMs: number): boolean {
    return (this.#isWriting || this.#isEnding) && nowMs - this.#sinceMs >= SLOW_READER_MS;
  }

  /** The stream is closed. */
  drop(): void {
    this.#queue = [];
    for (const place of this.#places) place.leave();
    this.#places.clear();
  }

  async #addInTurn(message: Outgoing, bytes: number): Promise<void> {
    const { stream, room } = this.#deps;
    if (stream.session === undefined) return;
    const place = room.enter(stream.session, bytes);
    this.#places.add(place);
    if ((await place.entered) && !this.#isEnding) this.#add(message, place);
  }

  #add(message: Outgoing, place: Place | null): void {
    const pieces = message.encode();
    this.#queue.push({ message, pieces, bytes: framedBytes(pieces), place });
    if (this.#isWriting || this.#isFlushing) return;
    this.#isFlushing = true;
    // Behind all that follows by itself from what has arrived: the other answers of the same batch.
    process.nextTick(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const queue = this.#queue;
    if (this.#isWriting || queue.length === 0) return;
    let bytes = 0;
    let count = 0;
    while (count < queue.length && bytes < SESSION_WRITE_BYTES_MAX) bytes += queue[count++]?.bytes ?? 0;
    this.#queue = count === queue.length ? [] : queue.slice(count);
    this.#write(count === queue.length ? queue : queue.slice(0, count));
  }

  #write(batch: readonly Queued[]): void {
    const { stream, clock } = this.#deps;
    // After its deadline grpc-js has ended the stream, and says so when that is sent.
    if (stream.destroyed || stream.writableEnded) return;
    let bytes = 0;
    for (const queued of batch) bytes += queued.bytes;
    const chunk = this.#isWriting ? Buffer.allocUnsafe(bytes) : this.#spaceOf(bytes);
    let end = 0;
    for (const { pieces } of batch) end = writeFramed(chunk, end, pieces);
    if (!this.#isWriting) this.#sinceMs = clock.monotonicMs();
    this.#isWriting = true;
    stream.write(chunk, (error) => {
      if (error) return;
      this.#isWriting = false;
      for (const { message, place } of batch) {
        if (place !== null) this.#leave(place);
        message.taken();
      }
      this.#flush();
    });
  }

  /** Between two writes nobody reads the space of the last one any more. */
  #spaceOf(bytes: number): Buffer {
    if (bytes > SPACE_BYTES_MAX) return Buffer.allocUnsafe(bytes);
    if (bytes > this.#space.length) this.#space = Buffer.allocUnsafe(Math.min(SPACE_BYTES_MAX, 2 * bytes));
    return this.#space.subarray(0, bytes);
  }

  #leave(place: Place): void {
    this.#places.delete(place);
    place.leave();
  }
}

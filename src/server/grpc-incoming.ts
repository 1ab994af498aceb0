import type { ServerHttp2Stream } from "node:http2";
import type { Clock } from "../clock.ts";
import type { Inflate } from "./grpc-inflate.ts";
import { MessageReader } from "./grpc-messages.ts";
import { REQUEST_MS_MAX, SESSION_MESSAGE_BYTES_MAX, SESSION_TURN } from "./limits.ts";

export interface IncomingDeps {
  readonly stream: ServerHttp2Stream;
  readonly clock: Clock;
  readonly inflate: Inflate;
  readonly onMessage: (message: Buffer) => void;
  /** Nothing more comes. Called once or several times. */
  readonly onEnd: (isCutOff: boolean) => void;
  /** What came is no message, or what was done with one threw. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Reads messages from an HTTP/2 stream one after the other, and no further than somebody wants. So that those who send
 * much do not keep the rest of the process waiting, it steps aside for a turn of the event loop now and then, and while
 * a message is inflated: what comes behind that must not overtake it.
 */
export class Incoming {
  readonly #deps: IncomingDeps;
  readonly #reader = new MessageReader(SESSION_MESSAGE_BYTES_MAX);
  /** Since it last stepped aside. */
  #messages = 0;
  #bytes = 0;
  #isReading = false;
  #isPaused = false;
  #isAside = false;
  #hasEnded = false;
  #isOver = false;
  /** Since when which message has been only in part here, as far as was looked. */
  #partial = { sinceMs: 0, count: -1 };

  /** Reads nothing before `resume`. */
  constructor(deps: IncomingDeps) {
    this.#deps = deps;
    takeOver(deps.stream, (chunk) => this.#arrived(chunk));
    deps.stream.once("end", () => {
      this.#hasEnded = true;
      this.#read();
    });
  }

  /** Delivers nothing more until `resume`. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#read();
  }

  /** Delivers nothing any more, and keeps nothing of what has come; what still comes goes nowhere. */
  stop(): void {
    this.#isOver = true;
    this.#reader.drop();
    const { stream } = this.#deps;
    if (stream.isPaused()) stream.resume();
  }

  /** A part of a message is kept until the rest comes. */
  get isAmid(): boolean {
    return this.#reader.isAmid;
  }

  /** Of one message for so long as a unary call may take to arrive; that we do not read does not count. */
  isStalled(nowMs: number): boolean {
    const { isAmid, count } = this.#reader;
    const isWaitedFor = isAmid && !this.#isHeldUp;
    if (!isWaitedFor || count !== this.#partial.count) {
      this.#partial = { sinceMs: nowMs, count: isWaitedFor ? count : -1 };
    }
    return isWaitedFor && nowMs - this.#partial.sinceMs >= REQUEST_MS_MAX;
  }

  get #isHeldUp(): boolean {
    return this.#isPaused || this.#isAside;
  }

  #arrived(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#reader.push(chunk);
    this.#read();
  }

  #read(): void {
    // A message that is answered at once may resume what it has paused: the loop below goes on by itself.
    if (this.#isReading) return;
    this.#isReading = true;
    const { stream, onFailure, onEnd } = this.#deps;
    try {
      while (!this.#isHeldUp && !this.#isOver) {
        const message = this.#reader.next();
        if (message === null) break;
        if (this.#reader.isCompressed) this.#stepAside(this.#inflate(message));
        else this.#deliver(message);
      }
    } catch (error) {
      onFailure(error);
    } finally {
      this.#isReading = false;
    }
    if (this.#isHeldUp && !this.#isOver) stream.pause();
    else if (stream.isPaused()) stream.resume();
    if (this.#hasEnded && !this.#isHeldUp && !this.#isOver) onEnd(this.#reader.isAmid);
  }

  #deliver(message: Buffer): void {
    this.#messages++;
    this.#bytes += message.length;
    this.#deps.onMessage(message);
    if (this.#messages < SESSION_TURN.messagesMax && this.#bytes < SESSION_TURN.bytesMax) return;
    this.#messages = 0;
    this.#bytes = 0;
    this.#stepAside(this.#deps.clock.turn());
  }

  #stepAside(until: Promise<void>): void {
    this.#isAside = true;
    until.then(() => {
      this.#isAside = false;
      this.#read();
    });
  }

  async #inflate(compressed: Buffer): Promise<void> {
    try {
      const message = await this.#deps.inflate(compressed);
      if (this.#isOver) return;
      // A turn has begun with it.
      this.#messages = 1;
      this.#bytes = message.length;
      this.#deps.onMessage(message);
    } catch (error) {
      this.#deps.onFailure(error);
    }
  }
}

/**
 * Reads the stream in the place of grpc-js, which has begun to listen and reads nothing before it is asked to. The
 * dependency is pinned to the patch level, and the tests of sessions fail if it reads otherwise.
 */
function takeOver(stream: ServerHttp2Stream, onChunk: (chunk: Buffer) => void): void {
  if (stream.listenerCount("data") !== 1) throw new Error("bug: grpc-js no longer reads a call by one data listener");
  stream.removeAllListeners("data");
  stream.on("data", onChunk);
}

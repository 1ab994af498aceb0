import { Code } from "../../gen/google/rpc/code_pb.ts";
import { Fault } from "../domain/fault.ts";
import { RpcError } from "../rpc/error.ts";

/** One byte that says whether the message is compressed, and four with its length. */
const HEAD_BYTES = 5;

/**
 * Cuts what arrives on an HTTP/2 stream into gRPC messages. They are asked for one by one, so that of what has arrived
 * no more is looked at than somebody wants.
 */
export class MessageReader {
  readonly #bytesMax: number;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headBytes = 0;
  #chunk: Buffer = NOTHING;
  #offset = 0;
  /** A message of which a part is here. */
  #message: Buffer | null = null;
  #messageBytes = 0;
  #count = 0;
  #isCompressed = false;

  /** @param bytesMax of one message, as it is sent */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** How many messages were read. */
  get count(): number {
    return this.#count;
  }

  /** Of the message that `next` has returned last. */
  get isCompressed(): boolean {
    return this.#isCompressed;
  }

  /** A message has begun and is not whole. */
  get isAmid(): boolean {
    return this.#headBytes > 0 || this.#offset < this.#chunk.length;
  }

  /** To be called when `next` has returned null. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /**
   * The next message, null when it is not wholly here. A copy: a view would keep all that arrived with it.
   *
   * Throws `Fault` FIELD_INVALID for what is none, and `messageTooLarge`.
   */
  next(): Buffer | null {
    if (this.#message === null) {
      if (!this.#readHead()) return this.#none();
      const bytes = this.#head.readUInt32BE(1);
      if (bytes > this.#bytesMax) throw messageTooLarge(this.#bytesMax);
      // At once in full: a message that comes byte by byte takes no more memory than one that comes whole.
      this.#message = Buffer.allocUnsafe(bytes);
      this.#messageBytes = 0;
    }
    const message = this.#message;
    const copied = this.#chunk.copy(message, this.#messageBytes, this.#offset);
    this.#offset += copied;
    this.#messageBytes += copied;
    if (this.#messageBytes < message.length) return this.#none();
    this.#message = null;
    this.#headBytes = 0;
    this.#count++;
    const [flag = 0] = this.#head;
    if (flag > 1) throw new Fault("FIELD_INVALID", "what was sent on the stream are no gRPC messages");
    this.#isCompressed = flag === 1;
    return message;
  }

  /** Keeps nothing of what has come. */
  drop(): void {
    this.#message = null;
    this.#headBytes = 0;
    this.#none();
  }

  #none(): null {
    this.#chunk = NOTHING;
    this.#offset = 0;
    return null;
  }

  #readHead(): boolean {
    const copied = this.#chunk.copy(
      this.#head,
      this.#headBytes,
      this.#offset,
      this.#offset + HEAD_BYTES - this.#headBytes,
    );
    this.#offset += copied;
    this.#headBytes += copied;
    return this.#headBytes === HEAD_BYTES;
  }
}

const NOTHING = Buffer.alloc(0);

/**
 * RESOURCE_EXHAUSTED, as of a unary call: there the transport answers, so on the wire it has no reason, and nothing says
 * that the same would help later.
 */
export function messageTooLarge(bytesMax: number): RpcError {
  return new RpcError({
    ...{ code: Code.RESOURCE_EXHAUSTED, reason: "FIELD_INVALID", details: [], retryAfterMs: null, cause: undefined },
    message: `a message of the stream must be at most ${bytesMax} bytes`,
  });
}

/** How many bytes a message of these pieces takes on the stream. */
export function framedBytes(pieces: readonly Uint8Array[]): number {
  let bytes = HEAD_BYTES;
  for (const piece of pieces) bytes += piece.byteLength;
  return bytes;
}

/** Writes a message of these pieces; returns where it ends. */
export function writeFramed(target: Buffer, offset: number, pieces: readonly Uint8Array[]): number {
  target[offset] = 0;
  target.writeUInt32BE(framedBytes(pieces) - HEAD_BYTES, offset + 1);
  let end = offset + HEAD_BYTES;
  for (const piece of pieces) {
    target.set(piece, end);
    end += piece.byteLength;
  }
  return end;
}

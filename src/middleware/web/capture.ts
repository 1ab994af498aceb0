import type { Answer, CapturedResponse, HeaderList } from "../http/response.ts";

export interface WebCapture {
  /** To be sent: with the whole body, or with one that goes on where the bound was passed. */
  readonly response: Response;
  readonly isWhole: boolean;
  /** What the handler has answered, once all of its body is known. */
  readonly done: Promise<CapturedResponse>;
  /** Ends a body that has gone through: whoever reads it to its end is told no sooner. */
  readonly release: () => void;
}

/**
 * Reads a response's body until it ends, or is over the bound. Beyond that it goes through as it is read, to its end also
 * when the client has gone: what makes a body is part of the work.
 */
export async function captureWeb(response: Response, bytesMax: number): Promise<WebCapture> {
  const { status } = response;
  const headers: HeaderList = [...response.headers];
  if (response.body === null) {
    const empty = { status, headers, body: new Uint8Array() };
    return { response, isWhole: true, done: Promise.resolve(empty), release: () => {} };
  }
  const reader = response.body.getReader();
  const { chunks, isWhole } = await readUntil(reader, bytesMax);
  if (isWhole) {
    const body = concat(chunks);
    const sent = new Response(body.length === 0 ? null : body, response);
    return { response: sent, isWhole, done: Promise.resolve({ status, headers, body }), release: () => {} };
  }
  const released = Promise.withResolvers<void>();
  const { stream, ended } = goOn(chunks, reader, released.promise);
  const done = ended.then(() => ({ status, headers, body: null }));
  return { response: new Response(stream, response), isWhole, done, release: released.resolve };
}

/** A body of a request, or "too-large", and then no more of it is read than that. */
export async function readBody(body: ReadableStream<Uint8Array>, bytesMax: number): Promise<Bytes | "too-large"> {
  const reader = body.getReader();
  const { chunks, isWhole } = await readUntil(reader, bytesMax);
  if (isWhole) return concat(chunks);
  // Nobody waits for it: whoever sends may do so for long.
  reader.cancel().catch(() => {});
  return "too-large";
}

export function toResponse({ status, headers, body }: Answer): Response {
  const pairs = headers.map(([name, value]): [string, string] => [name, value]);
  return new Response(body.length === 0 ? null : new Uint8Array(body), { status, headers: pairs });
}

type Bytes = Uint8Array<ArrayBuffer>;
type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function readUntil(reader: Reader, bytesMax: number) {
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size <= bytesMax) {
    const { done, value } = await reader.read();
    if (done) return { chunks, isWhole: true };
    chunks.push(value);
    size += value.length;
  }
  return { chunks, isWhole: false };
}

/** What was read, and then the rest as it is asked for; once nobody asks any more, it is read all the same. */
function goOn(chunks: readonly Uint8Array[], reader: Reader, released: Promise<void>) {
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  const read = async () => {
    try {
      const next = await reader.read();
      if (next.done) ended.resolve();
      return next;
    } catch (error) {
      ended.reject(error);
      throw error;
    }
  };
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
    },
    async pull(controller) {
      const { done, value } = await read();
      if (!done) return controller.enqueue(value);
      await released;
      controller.close();
    },
    async cancel() {
      while (!(await read()).done);
    },
  });
  return { stream, ended: ended.promise };
}

function concat(chunks: readonly Uint8Array[]): Bytes {
  const bytes = new Uint8Array(chunks.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

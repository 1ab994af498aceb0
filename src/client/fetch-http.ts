import type { UniversalClientFn } from "@connectrpc/connect/protocol";
import type { Http } from "./http-line.ts";

export type Fetch = typeof globalThis.fetch;

/**
 * HTTP by `fetch`, with nothing but what all runtimes take: no stream goes up, for browsers send none over HTTP/1.1, and
 * there are no options that only some of them know, such as `cache` and `credentials`.
 */
export function fetchHttp(fetch: Fetch): Http {
  return { send: sendBy(fetch), close: () => undefined };
}

function sendBy(fetch: Fetch): UniversalClientFn {
  return async ({ url, method, header, body, signal }) => {
    const init = { method, headers: header, ...(body && { body: await whole(body) }), ...(signal && { signal }) };
    const answer = await fetch(url, init);
    const headers = new Headers(answer.headers);
    // Of what went over the wire: fetch has unpacked it already.
    headers.delete("content-encoding");
    headers.delete("content-length");
    const chunks = answer.body === null ? nothing() : chunksOf(answer.body);
    return { status: answer.status, header: headers, body: chunks, trailer: new Headers() };
  };
}

/** Requests are one message, bounded by the server's limits. */
async function whole(body: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks = await Array.fromAsync(body);
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Not by the stream's own iterator, which Safari does not have. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

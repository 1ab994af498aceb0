import type { AddressInfo } from "node:net";
import type { Attempt, Holdfast } from "holdfast/client";
import type { IdempotencyOptions } from "../../../src/middleware/http.ts";

/** What a handler is told of a request, in any framework. */
export interface Seen {
  readonly attempt: Attempt | undefined;
  readonly id: string;
  readonly body: unknown;
}

/** What a handler answers: JSON, bytes, a stream, or nothing. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: object | Uint8Array | ReadableStream<Uint8Array>;
}

export type Handler = (seen: Seen) => Reply | Promise<Reply>;

export type Options = Partial<Omit<IdempotencyOptions<never>, "principal" | "fingerprint">>;

/** An application of a framework, on a port of its own, with `handler` at every method of /orders/:id/pay. */
export interface App extends AsyncDisposable {
  /** "http://127.0.0.1:12345" */
  readonly url: string;
}

/** Whose request it is says the header x-user. */
export type StartApp = (holdfast: Holdfast, handler: Handler, options: Options) => Promise<App>;

export function appOf(server: { address(): unknown }, close: () => unknown): App {
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}

export const ROUTE = "/orders/:id/pay";

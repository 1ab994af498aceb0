import type { Attempt } from "../../../src/client/client.ts";
import { fetchHandler } from "../../../src/middleware/fetch.ts";
import { createIdempotency, type IdempotencyOptions } from "../../../src/middleware/http.ts";
import { createFakeServer } from "../client/fake-server.ts";

export type Handle = (request: Request, attempt: Attempt | undefined) => Response | Promise<Response>;

/** One route in front of the real handlers over the memory store, and everything by one manual clock. */
export function startRoute(handler: Handle, options: Partial<IdempotencyOptions<Request>> = {}) {
  const server = createFakeServer();
  let runs = 0;
  const principal = (request: Request) => request.headers.get("x-user") ?? "";
  const all = { principal, onError: (error: unknown) => void errors.push(error), clock: server.clock, ...options };
  const errors: unknown[] = [];
  const handle = fetchHandler(createIdempotency(server.client(), all), { route: "/charges" }, (request, attempt) => {
    runs++;
    return handler(request, attempt);
  });
  const send = async (init: RequestInit & { readonly path?: string } = {}) => {
    const { path = "/charges", ...rest } = init;
    return handle(new Request(`http://shop.example${path}`, { method: "POST", body: '{"amount":1}', ...rest }));
  };
  /** Sends with a key, and lets time alone. */
  const begin = (key: string | null = '"k"', init: RequestInit & { readonly path?: string } = {}) => {
    const headers = new Headers({ "content-type": "application/json", ...(init.headers as object) });
    if (key !== null) headers.set("idempotency-key", key);
    return send({ ...init, headers }).then(async (response) => {
      return { status: response.status, headers: response.headers, text: await response.text() };
    });
  };
  /** The same, and has time pass until it is answered. */
  const post: typeof begin = (key, init) => server.clock.until(begin(key, init));
  return { handle, server, clock: server.clock, begin, post, send, errors, runs: () => runs };
}

export const created = () => Response.json({ charge: 1 }, { status: 201, headers: { location: "/charges/1" } });

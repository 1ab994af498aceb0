import { createTestServer, type TestServerOptions } from "../../../src/testing/test-server.ts";

export const charge = { scope: "charge", key: "evt_1", input: { amount: 4900 } } as const;

/** A test server, one client, and a look at the record of `charge`. */
export function start(options?: TestServerOptions) {
  const server = createTestServer(options);
  const { clock, faults, records } = server;
  return {
    ...{ server, clock, faults, records },
    holdfast: server.client(),
    record: () => records.get(charge.scope, charge.key),
    state: async () => (await records.get(charge.scope, charge.key))?.state,
    [Symbol.asyncDispose]: server.close,
  };
}

/** What the promise rejects with. */
export async function thrown(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => Promise.reject(new Error(`resolved to ${JSON.stringify(value)}`)),
    (error) => error,
  );
}

/** Whether the promise has settled by now, and how. */
export function watch<T>(promise: Promise<T>) {
  const seen: { state: "open" | "kept" | "broken"; value?: T; error?: unknown } = { state: "open" };
  promise.then(
    (value) => Object.assign(seen, { state: "kept", value }),
    (error) => Object.assign(seen, { state: "broken", error }),
  );
  return seen;
}

/** Work that never ends by itself, as that of a process which will be killed. */
export function forEver(): Promise<never> {
  return new Promise(() => undefined);
}

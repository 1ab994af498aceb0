import type { ClaimRequest } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { createFakeServer } from "./fake-server.ts";

export const job = { scope: "charge", key: "evt_1", input: { amount: 3 } } as const;
const name = { tenant: "default", scope: job.scope, key: job.key };

/** A server and a client for tests that are about one record. */
export function start() {
  const server = createFakeServer();
  const record = async () => (await server.store.peek(name, Number.POSITIVE_INFINITY)).record;
  return {
    server,
    clock: server.clock,
    holdfast: server.client(),
    record,
    state: async () => (await record())?.state,
    /** How many calls of a method have arrived. */
    count: (method: string) => server.calls.filter((call) => call === method).length,
    /** Of each claim that has arrived. */
    claimIds: () =>
      server.requests.flatMap((each) =>
        each.$typeName === "holdfast.v1.ClaimRequest" ? [(each as ClaimRequest).claimId] : [],
      ),
  };
}

/** What the promise rejects with. */
export async function thrown(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => Promise.reject(new Error(`resolved to ${JSON.stringify(value)}`)),
    (error) => error,
  );
}

import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "@connectrpc/connect";
import {
  type ClaimResponse,
  IdempotencyService,
  type Lease,
  type LeaseHandle,
  type Record as WireRecord,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createGrpcTransport } from "../../src/client/grpc-transport.ts";
import { newClaimId, newKey } from "./callers.ts";

export type Key = ReturnType<typeof newKey>;

/** The service, on a connection of its own. */
export type Caller = Client<typeof IdempotencyService> & Disposable;

export function connect(address: string): Caller {
  const transport = createGrpcTransport({ addresses: [address] });
  return { ...createClient(IdempotencyService, transport), [Symbol.dispose]: () => transport.close() };
}

export const seconds = (count: number) => ({ seconds: BigInt(count) });

/** Longer than any wait: a caller who vanishes is not found by his own deadline. */
export const LONG = { timeoutMs: 90_000 };

interface ClaimOptions {
  /** In seconds. */
  readonly wait?: number;
  readonly lease?: number;
  readonly claimId?: string;
}

export function claimOf(key: Key, { wait = 0, lease = 600, claimId = newClaimId() }: ClaimOptions = {}) {
  return { key, claimId, wait: seconds(wait), lease: seconds(lease) };
}

/** Claims as a stranger who does not wait. */
export async function hold(caller: Caller, key: Key, lease = 600): Promise<LeaseHandle> {
  return handleOf(await caller.claim(claimOf(key, { lease })));
}

export function leaseOf({ detail }: ClaimResponse): Lease {
  if (detail.case !== "acquired" || detail.value.lease === undefined) throw new Error(`not acquired: ${detail.case}`);
  return detail.value.lease;
}

export function handleOf(answer: ClaimResponse): LeaseHandle {
  const { handle } = leaseOf(answer);
  if (handle === undefined) throw new Error("a lease without handle");
  return handle;
}

export async function look(caller: Caller, key: Key): Promise<WireRecord> {
  const { record } = await caller.getRecord({ key });
  if (record === undefined) throw new Error("no record");
  return record;
}

export const newKeys = (count: number): readonly Key[] => Array.from({ length: count }, () => newKey());

/**
 * Looks again and again; what is waited for happens in another process. The test's own limit bounds it. The longer it
 * takes, the seldomer it looks: what takes half a minute is not asked for a thousand times.
 */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const startMs = performance.now();
  while (!(await holds())) await sleep(Math.min(Math.max(20, (performance.now() - startMs) / 10), 200));
}

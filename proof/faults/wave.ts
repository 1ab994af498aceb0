import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallOptions } from "@connectrpc/connect";
import { ConnectError } from "@connectrpc/connect";
import {
  ClaimIntent,
  type ClaimResponse,
  FailKind,
  LeaseExpiryPolicy,
  type LeaseHandle,
  ReusePolicy,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Rpc } from "../../src/client/runtime.ts";
import { type Random, textOf, weighted } from "../history/load/random.ts";
import { millis } from "../history/load/wire.ts";
import { errorTold } from "../history/outputs.ts";
import type { Key } from "./calls.ts";

/**
 * One who makes as many calls at an instant as fill a batch, each of another key, and so in every operation: all others
 * who do the same over the same keys meet him in the database, each batch with its own choice of them.
 */
export interface WaveOptions {
  readonly rpc: Rpc;
  readonly random: Random;
  /** How many keys a wave has. */
  readonly size: number;
  readonly key: () => Key;
  /** Put into whatever is stored. */
  readonly canary: (key: Key) => string;
  /** How many calls are cut off by their caller, 0 to 1. */
  readonly cutShare: number;
}

const LEASE_MS = 1_000;
const WAIT_MS_MAX = 600;
const WAIT_SHARE = 0.2;
/** Of those who find somebody else at it. */
const WATCH_SHARE = 0.3;
const LOOK_SHARE = 0.2;
const CUT_MS_MAX = 20;
const TRIES = 4;
const RETRY_MS = 50;

/** Claims them all at once, does for each what becomes possible, and resolves when all is answered. */
export async function makeWave(options: WaveOptions): Promise<void> {
  await Promise.all(distinct(options).map((key) => work(options, key)));
}

async function work(options: WaveOptions, key: Key): Promise<void> {
  const { rpc, random } = options;
  const { handle, isUnknown } = await claim(options, key, ClaimIntent.EXECUTE);
  if (handle !== null) {
    await beat(options, key, handle);
    await end(options, key, handle);
  } else if (isUnknown) {
    const reconciling = await claim(options, key, ClaimIntent.RECONCILE);
    if (reconciling.handle !== null) await end(options, key, reconciling.handle);
  } else if (random() < WATCH_SHARE) await watch(options, key);
  if (random() < LOOK_SHARE) await send(options, (call) => rpc.getRecord({ key, includeResult: true }, call));
}

function distinct({ size, key }: WaveOptions): readonly Key[] {
  const keys = new Map<string, Key>();
  while (keys.size < size) {
    const next = key();
    keys.set(JSON.stringify([next.tenant, next.scope, next.key]), next);
  }
  return [...keys.values()];
}

interface Claimed {
  readonly handle: LeaseHandle | null;
  readonly isUnknown: boolean;
}

async function claim(options: WaveOptions, key: Key, intent: ClaimIntent): Promise<Claimed> {
  const { rpc, random } = options;
  const executes = intent === ClaimIntent.EXECUTE;
  const request = {
    ...{ key, claimId: textOf(random, 16), intent, lease: millis(LEASE_MS), policy: policyOf(key) },
    ...{ wait: millis(executes && random() < WAIT_SHARE ? WAIT_MS_MAX * random() : 0) },
    fingerprint: { algorithm: "sha256", digest: sha256(random() < 0.02 ? `${key.key} otherwise` : key.key) },
    reuse: random() < 0.9 ? ReusePolicy.RETRY_FAILED : ReusePolicy.REPLAY_ALL,
  };
  const answer = await send(options, (call) => rpc.claim(request, call));
  return { handle: handleIn(answer), isUnknown: answer?.detail.case === "outcomeUnknown" };
}

function handleIn(answer: ClaimResponse | null): LeaseHandle | null {
  return answer?.detail.case === "acquired" ? (answer.detail.value.lease?.handle ?? null) : null;
}

async function watch({ rpc, random }: WaveOptions, key: Key): Promise<void> {
  const leaving = new AbortController();
  void sleep(WAIT_MS_MAX * random()).then(() => leaving.abort());
  try {
    const request = { targets: [{ key }], timeout: millis(1_000), includeResult: true };
    for await (const _ of rpc.waitFor(request, { signal: leaving.signal }));
  } catch {
    // Left, or refused; the history knows.
  } finally {
    leaving.abort();
  }
}

async function beat(options: WaveOptions, key: Key, handle: LeaseHandle): Promise<void> {
  const { rpc, random, canary } = options;
  const sequence = BigInt(1 + Math.floor(1000 * random()));
  const checkpoint = { sequence, name: "step", data: Buffer.from(`${canary(key)}${textOf(random, 8)}`) };
  const isDurable = random() < 0.5;
  const progress = { fraction: random(), message: canary(key) };
  await send(options, (call) =>
    rpc.heartbeat({ handle, lease: millis(LEASE_MS), progress, ...(isDurable && { checkpoint }) }, call),
  );
}

const ENDS = {
  ...{ complete: 12, retryable: 42, terminal: 10, "not-started": 16, "outcome-unknown": 12 },
  // Whose lease runs out.
  vanish: 8,
};
const FAIL_KINDS = {
  retryable: FailKind.RETRYABLE,
  terminal: FailKind.TERMINAL,
  "outcome-unknown": FailKind.OUTCOME_UNKNOWN,
  "not-started": FailKind.NOT_STARTED,
} as const;

async function end(options: WaveOptions, key: Key, handle: LeaseHandle): Promise<void> {
  const { rpc, random, canary } = options;
  const kind = weighted(random, ENDS);
  if (kind === "vanish") return;
  const text = `${canary(key)}${textOf(random, 12)}`;
  if (kind === "complete") {
    const result = { body: { case: "inline" as const, value: Buffer.from(text) } };
    await send(options, (call) => rpc.complete({ handle, result }, call));
    return;
  }
  const request = { handle, kind: FAIL_KINDS[kind], error: { code: 13, message: text } };
  await send(options, (call) => rpc.fail(request, call));
}

/** Sends a call, and sends it again as it was while nobody knows what became of it. Null: refused, or given up. */
async function send<Answer>(
  { random, cutShare }: WaveOptions,
  call: (options: CallOptions) => Promise<Answer>,
): Promise<Answer | null> {
  for (let tries = 0; tries < TRIES; tries++) {
    const cut = random() < cutShare ? new AbortController() : null;
    if (cut !== null) void sleep(CUT_MS_MAX * random()).then(() => cut.abort());
    try {
      return await call({ timeoutMs: 10_000, ...(cut !== null && { signal: cut.signal }) });
    } catch (error) {
      const { output } = errorTold(ConnectError.from(error), 0);
      if (output.kind === "refused" && output.code !== "ResourceExhausted") return null;
      await sleep(RETRY_MS * (1 + tries) * random());
    }
  }
  return null;
}

/** By the key, so that all callers say the same: one in four holds, one in four has few attempts. */
function policyOf({ key }: Key) {
  const kind = (sha256(key)[0] ?? 0) % 4;
  return {
    onLeaseExpiry: kind === 0 ? LeaseExpiryPolicy.HOLD : LeaseExpiryPolicy.REACQUIRE,
    ...(kind === 1 && { maxAttempts: 10 }),
  };
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

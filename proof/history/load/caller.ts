import { createHash } from "node:crypto";
import type { CallOptions } from "@connectrpc/connect";
import { ConnectError } from "@connectrpc/connect";
import {
  ClaimIntent,
  type ClaimResponse,
  LeaseExpiryPolicy,
  type LeaseHandle,
  ReusePolicy,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Rpc } from "../../../src/client/runtime.ts";
import { errorTold } from "../outputs.ts";
import { type Holding, hold, judge } from "./holder.ts";
import { pick, type Random, textOf, weighted } from "./random.ts";
import { millis } from "./wire.ts";

/** One caller of a load that leaves no row of the contract out. What it does is decided by its random numbers alone. */
export interface CallerOptions {
  /** Over a recording transport. */
  readonly rpc: Rpc;
  readonly random: Random;
  /** Of the key to work on next. */
  readonly keyName: () => string;
  readonly scope: string;
  /** Empty: the credential's. */
  readonly tenant?: string;
  /** Put into whatever is stored: see canaryOf. */
  readonly canary?: string;
  readonly isOver: () => boolean;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** How many of the calls are cut off by their caller, 0 to 1. Default 0.1. */
  readonly cutShare?: number;
  /** How many holders sleep past their lease, 0 to 1. Default 0.1. */
  readonly oversleepShare?: number;
  /** 0 leaves waits out. Default 0.2, for claims and for WaitFor. */
  readonly waitShare?: number;
}

const LEASE_MS = 1000;
const CUT_MS_MAX = 6;
const TRIES = 6;
/** One wait in so many is a long one: whoever gives up early cannot tell a wake-up that was missed from one that is due. */
const LONG_WAIT_SHARE = { streams: 0.25, claims: 0.1 };
const LONG_WAIT_MS = { least: 5000, most: 7000 };
/** A long wait is left as soon as everything is over. */
const LOOK_MS = 100;
const RETRY_MS = 20;
const OLD_HANDLES_MAX = 20;

/** Until it is over. Rejects only for what no caller should be told. */
export async function runCaller(options: CallerOptions): Promise<void> {
  const caller = createCaller(options);
  while (!options.isOver()) await caller.turn();
}

function createCaller(options: CallerOptions) {
  const { rpc, random, keyName, scope, tenant = "", canary = "", sleep, isOver } = options;
  const { cutShare = 0.1, oversleepShare = 0.1, waitShare = 0.2 } = options;
  const oldHandles: LeaseHandle[] = [];

  /** Sends a call, and sends it again as it was while nobody knows what became of it. Null: refused, or given up. */
  const send = async <Answer>(call: (options: CallOptions) => Promise<Answer>, waitMs = 0): Promise<Answer | null> => {
    for (let tries = 0; tries < TRIES; tries++) {
      const cut = random() < cutShare ? new AbortController() : null;
      const cutMs = random() * CUT_MS_MAX;
      if (cut !== null) void sleep(cutMs).then(() => cut.abort());
      const leaving = waitMs >= LONG_WAIT_MS.least ? (cut ?? leavingAtTheEnd()) : cut;
      try {
        return await call({ timeoutMs: 5000 + waitMs, ...(leaving !== null && { signal: leaving.signal }) });
      } catch (error) {
        if (leaving?.signal.aborted && isOver()) return null;
        const { output } = errorTold(ConnectError.from(error), 0);
        if (output.kind === "refused" && output.code !== "ResourceExhausted") return null;
        await sleep(RETRY_MS * (1 + tries) * random());
      } finally {
        // Nobody looks for its end any more.
        if (leaving !== cut) leaving?.abort();
      }
    }
    return null;
  };
  const leavingAtTheEnd = (): AbortController => {
    const leaving = new AbortController();
    const look = async () => {
      while (!isOver() && !leaving.signal.aborted) await sleep(LOOK_MS);
      leaving.abort();
    };
    void look();
    return leaving;
  };
  const longMs = () => LONG_WAIT_MS.least + (LONG_WAIT_MS.most - LONG_WAIT_MS.least) * random();
  const holding: Holding = {
    ...{ rpc, random, send, sleep, canary, leaseMs: LEASE_MS },
    oversleeps: () => random() < oversleepShare,
  };

  const claim = async (name: string, intent: ClaimIntent) => {
    const waits = intent === ClaimIntent.EXECUTE && random() < waitShare;
    const waitMs = !waits ? 0 : random() < LONG_WAIT_SHARE.claims ? longMs() : 1500 * random();
    const request = {
      ...{ key: { tenant, scope, key: name }, claimId: textOf(random, 16), intent },
      ...{ lease: millis(LEASE_MS), wait: millis(waitMs), policy: policyOf(name) },
      fingerprint: { algorithm: "sha256", digest: sha256(random() < 0.03 ? `${name} otherwise` : name) },
      reuse: pick(random, REUSES),
      metadata: { of: canary },
    };
    return { request, answer: await send((call) => rpc.claim(request, call), waitMs) };
  };
  const acquired = (answer: ClaimResponse | null): LeaseHandle | null => {
    const handle = answer?.detail.case === "acquired" ? answer.detail.value.lease?.handle : undefined;
    if (handle === undefined) return null;
    oldHandles.push(handle);
    if (oldHandles.length > OLD_HANDLES_MAX) oldHandles.shift();
    return handle;
  };

  const work = async (name: string) => {
    const { request, answer } = await claim(name, ClaimIntent.EXECUTE);
    const handle = acquired(answer);
    if (handle !== null) {
      // As a caller does whose first answer was lost.
      if (random() < 0.1) await send((call) => rpc.claim(request, call));
      return await hold(holding, handle);
    }
    if (answer?.detail.case !== "outcomeUnknown") return;
    await sleep(100 * random());
    const reconciling = acquired((await claim(name, ClaimIntent.RECONCILE)).answer);
    if (reconciling !== null) await judge(holding, reconciling);
  };
  const look = (name: string) =>
    send((call) => rpc.getRecord({ key: { tenant, scope, key: name }, includeResult: true }, call));
  const wait = async (name: string) => {
    const target = { key: { tenant, scope, key: name } };
    const isLong = random() < LONG_WAIT_SHARE.streams;
    const leaving = isLong ? leavingAtTheEnd() : new AbortController();
    try {
      const timeout = millis(isLong ? longMs() : 1000 + 1000 * random());
      const request = { targets: [target], timeout, includeResult: true };
      for await (const _ of rpc.waitFor(request, { signal: leaving.signal })) if (random() < 0.02) break;
    } catch {
      await sleep(RETRY_MS);
    } finally {
      leaving.abort();
    }
  };
  /** Somebody who was suspended, and does not know that time has passed. */
  const wake = async () => {
    const handle = oldHandles.length > 0 ? pick(random, oldHandles) : null;
    if (handle !== null) await hold({ ...holding, oversleeps: () => false }, handle);
  };

  return {
    async turn() {
      const name = keyName();
      switch (weighted(random, { work: 80, look: 8, wait: 40 * waitShare, wake: 4 })) {
        case "work":
          await work(name);
          break;
        case "look":
          await look(name);
          break;
        case "wait":
          await wait(name);
          break;
        case "wake":
          await wake();
      }
      await sleep(10 * random());
    },
  };
}

const REUSES = [
  ...Array.from({ length: 8 }, () => ReusePolicy.REPLAY_ALL),
  ReusePolicy.RETRY_FAILED,
  ReusePolicy.RETRY_FAILED,
  ReusePolicy.REJECT,
];

/** By the key, so that all callers say the same: one in three holds, one in three has few attempts. */
function policyOf(name: string) {
  const kind = (sha256(name)[0] ?? 0) % 3;
  return {
    ...{ resultRetention: millis(60_000), tombstoneRetention: millis(60_000) },
    onLeaseExpiry: kind === 0 ? LeaseExpiryPolicy.HOLD : LeaseExpiryPolicy.REACQUIRE,
    ...(kind === 1 && { maxAttempts: 6 }),
  };
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

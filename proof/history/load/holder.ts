import type { CallOptions } from "@connectrpc/connect";
import { FailKind, type LeaseHandle } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Rpc } from "../../../src/client/runtime.ts";
import { type Random, textOf, weighted } from "./random.ts";
import { millis } from "./wire.ts";

export interface Holding {
  readonly rpc: Rpc;
  readonly random: Random;
  readonly send: <Answer>(call: (options: CallOptions) => Promise<Answer>) => Promise<Answer | null>;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly canary: string;
  readonly leaseMs: number;
  readonly oversleeps: () => boolean;
}

type End = "complete" | "retryable" | "terminal" | "outcome-unknown" | "not-started" | "vanish";

/** What a holder does with a lease: it beats, perhaps sleeps past its end, and ends it in one of all ways, or not at all. */
export async function hold(holding: Holding, handle: LeaseHandle): Promise<void> {
  const { random, sleep, leaseMs, oversleeps } = holding;
  while (random() < 0.5) {
    await heartbeat(holding, handle);
    await sleep(30 * random());
  }
  if (oversleeps()) await sleep(leaseMs * (1 + 0.4 * random()));
  await end(
    holding,
    handle,
    weighted(random, {
      ...{ complete: 12, retryable: 36, terminal: 4, "outcome-unknown": 12 },
      ...{ "not-started": 18, vanish: 18 },
    }),
  );
}

/** What a reconciler says became of the work. */
export async function judge(holding: Holding, handle: LeaseHandle): Promise<void> {
  const { random, sleep } = holding;
  await sleep(100 * random());
  await end(
    holding,
    handle,
    weighted(random, {
      ...{ complete: 10, retryable: 26, terminal: 4, "outcome-unknown": 20 },
      ...{ "not-started": 25, vanish: 15 },
    }),
  );
}

async function heartbeat({ rpc, random, send, canary, leaseMs }: Holding, handle: LeaseHandle): Promise<void> {
  const sequence = BigInt(1 + Math.floor(1000 * random()));
  const checkpoint = { sequence, name: "step", data: Buffer.from(`${canary}${textOf(random, 8)}`) };
  const isDurable = random() < 0.3;
  const progress = { fraction: random(), message: canary };
  await send((call) =>
    rpc.heartbeat({ handle, lease: millis(leaseMs), progress, ...(isDurable && { checkpoint }) }, call),
  );
}

/** Ends it; one in five says so twice. */
async function end({ rpc, random, send, canary }: Holding, handle: LeaseHandle, kind: End): Promise<void> {
  if (kind === "vanish") return;
  const text = `${canary}${textOf(random, 12)}`;
  const isDelayed = (kind === "retryable" || kind === "not-started") && random() < 0.3;
  const delay = millis(isDelayed ? 300 * random() : 0);
  const times = random() < 0.2 ? 2 : 1;
  for (let i = 0; i < times; i++) {
    if (kind === "complete") {
      await send((call) =>
        rpc.complete({ handle, result: { body: { case: "inline", value: Buffer.from(text) } } }, call),
      );
    } else {
      await send((call) =>
        rpc.fail({ handle, kind: FAIL_KINDS[kind], delay, error: { code: 13, message: text } }, call),
      );
    }
  }
}

const FAIL_KINDS = {
  retryable: FailKind.RETRYABLE,
  terminal: FailKind.TERMINAL,
  "outcome-unknown": FailKind.OUTCOME_UNKNOWN,
  "not-started": FailKind.NOT_STARTED,
} as const;

import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Rpc } from "../../../src/client/runtime.ts";
import { claimOf, completeOf, handleIn, LONG, textIn } from "../calls.ts";
import { persist } from "./persist.ts";

/** A result that its caller was told is stored. */
export interface Acknowledged {
  readonly key: string;
  readonly text: string;
  /** When it was told, by performance.now(). */
  readonly atMs: number;
}

/** Callers who complete record after record, and remember what they were told. */
export interface Witnesses {
  readonly acknowledged: readonly Acknowledged[];
  /** How often calls ended with which error. What is refused for good counts too, and its record is given up. */
  readonly errors: ReadonlyMap<string, number>;
  /** Resolves once so many more results are acknowledged. */
  more(count: number): Promise<void>;
  /** Begins nothing new, and resolves once everything under way has ended. */
  stop(): Promise<void>;
}

export interface WitnessesOptions {
  readonly rpcs: readonly Rpc[];
  readonly scope: string;
  /** In all. */
  readonly callers: number;
}

const LOOK_MS = 10;
const RESULT_BYTES = 12;

export function startWitnesses({ rpcs, scope, callers }: WitnessesOptions): Witnesses {
  const acknowledged: Acknowledged[] = [];
  const errors = new Map<string, number>();
  let isStopped = false;
  const count = (error: unknown) => {
    const name = Code[ConnectError.from(error).code];
    errors.set(name, (errors.get(name) ?? 0) + 1);
  };

  const complete = async (rpc: Rpc, key: string) => {
    const claim = claimOf({ scope, key });
    const text = key.slice(-RESULT_BYTES);
    const handle = handleIn(await persist(() => rpc.claim(claim, LONG), count));
    if (handle === null) return;
    await persist(() => rpc.complete(completeOf(handle, text), LONG), count);
    acknowledged.push({ key, text, atMs: performance.now() });
  };
  const work = async (rpc: Rpc, caller: number) => {
    // What is refused is counted: after a promotion a lease may be none any more, and nothing was promised of it.
    for (let i = 1; !isStopped; i++) await complete(rpc, `caller-${caller}-${i}`).catch(() => undefined);
  };
  const all = Promise.all(Array.from({ length: callers }, (_, i) => work(rpcs[i % rpcs.length] as Rpc, i)));

  return {
    acknowledged,
    errors,
    async more(count) {
      for (const aim = acknowledged.length + count; acknowledged.length < aim; ) await sleep(LOOK_MS);
    },
    async stop() {
      isStopped = true;
      await all;
    },
  };
}

const LOOKS_AT_ONCE = 16;

/** Which of them are not there any more, or are there with another result. */
export async function findLost(
  rpc: Rpc,
  scope: string,
  acknowledged: readonly Acknowledged[],
): Promise<readonly Acknowledged[]> {
  const lost: Acknowledged[] = [];
  const rest = [...acknowledged];
  const look = async () => {
    for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
      if ((await readResult(rpc, scope, next.key)) !== next.text) lost.push(next);
    }
  };
  await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, look));
  return lost;
}

/** Null: no result. */
async function readResult(rpc: Rpc, scope: string, key: string): Promise<string | null> {
  try {
    const { result } = await persist(() => rpc.getRecord({ key: { scope, key }, includeResult: true }, LONG));
    return textIn(result);
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) return null;
    throw error;
  }
}

import { randomUUID } from "node:crypto";
import { createClient, type Holdfast } from "../../../src/client/client.ts";

/** A key whose work was done, as whoever asked for it was told. */
export interface Acknowledged {
  readonly key: string;
  readonly value: string;
}

/** Callers who have work done, key after key, each key by two of them at the same time. */
export interface Load {
  /** Keys that were acknowledged so far. */
  readonly count: number;
  /** Resolves once so many more were. */
  more(count: number): Promise<void>;
  /** Begins no new keys, and resolves with all that were acknowledged. Rejects with the first failure of a call. */
  stop(): Promise<readonly Acknowledged[]>;
}

const PAIRS = 8;
const SCOPE = "load";

export function startLoad(addresses: readonly [string, ...string[]], pairs = PAIRS): Load {
  const acknowledged: Acknowledged[] = [];
  const waiting = new Set<() => void>();
  let isStopped = false;
  const callers = [open(addresses), open([...addresses].reverse() as [string])] as const;

  const work = async () => {
    while (!isStopped) {
      const key = randomUUID();
      const [one, other] = await Promise.all(callers.map((caller) => doOnce(caller, key)));
      if (one === undefined || one !== other) throw new Error(`two results of ${key}: ${one} and ${other}`);
      acknowledged.push({ key, value: one });
      for (const look of waiting) look();
    }
  };
  const all = Promise.all(Array.from({ length: pairs }, work));
  all.catch(() => undefined); // It is told when somebody waits for it.

  return {
    get count() {
      return acknowledged.length;
    },
    async more(count) {
      const aim = acknowledged.length + count;
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => void (acknowledged.length >= aim && resolve());
      waiting.add(look);
      await Promise.race([promise, all]);
      waiting.delete(look);
    },
    async stop() {
      isStopped = true;
      try {
        await all;
      } finally {
        for (const caller of callers) await caller[Symbol.asyncDispose]();
      }
      return acknowledged;
    },
  };
}

/** Which of the acknowledged are not there any more, or are there with another result. */
export async function findLost(address: string, acknowledged: readonly Acknowledged[]): Promise<readonly string[]> {
  await using caller = open([address]);
  const lost: string[] = [];
  const rest = [...acknowledged];
  const check = async () => {
    for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
      const again = await doOnce(caller, next.key);
      if (again !== next.value) lost.push(next.key);
    }
  };
  await Promise.all(Array.from({ length: 32 }, check));
  return lost;
}

function open(addresses: readonly [string, ...string[]]): Holdfast {
  return createClient({ addresses, onWarning: () => undefined });
}

/** What the work returned, whoever did it. */
async function doOnce(caller: Holdfast, key: string): Promise<string> {
  const { value } = await caller.once({ scope: SCOPE, key, input: null }, () => randomUUID());
  return value;
}

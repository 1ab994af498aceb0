import { FailKind } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Rpc } from "../../../src/client/runtime.ts";
import { claimOf, completeOf, handleOf, type Key, LONG } from "../calls.ts";
import { persist } from "./persist.ts";

/** A record as the database has it. */
export interface Effect {
  /** 1 in progress, 2 available, 3 completed. */
  readonly state: number;
  readonly claimId: string;
  /** In hex. */
  readonly token: string;
  readonly fence: bigint;
}

/** A call whose answer gets lost on its way from the database. */
export interface Trial {
  readonly key: Key;
  /** It has done what it was to do. */
  hasEffect(record: Effect): boolean;
  send(): void;
  /** Of one that leaves: gives the call up. */
  leave(): void;
  /** What its caller was told in the end: one that has left makes the same call again. To be asked once answers arrive. */
  told(): Promise<Told>;
}

export interface Told {
  /** True if that is what had happened. */
  agreesWith(effect: Effect): boolean;
  /** The first call was answered: its server has sent the statement once more. */
  readonly byServer: boolean;
}

export interface TrialOptions {
  readonly key: Key;
  /** Where the answer gets lost. */
  readonly here: Rpc;
  /** Where the caller that has left makes its call again. */
  readonly again: Rpc;
  readonly leaves: boolean;
}

/** A holder who completes. */
export async function openLostEnd(options: TrialOptions): Promise<Trial> {
  const { key, here, leaves } = options;
  const request = completeOf(handleOf(await here.claim(claimOf(key), LONG)), key.key);
  return createTrial(options, {
    hasEffect: ({ state }) => state === COMPLETED,
    call: (rpc, signal) => rpc.complete(request, { ...LONG, signal }),
    // To the server its own repeat is the call; whether it says so to the caller is not promised.
    agrees: ({ alreadyApplied }) => alreadyApplied || !leaves,
  });
}

/** A claim of a record that is there to be claimed: one that is not could not be locked. */
export async function openLostClaim(options: TrialOptions): Promise<Trial> {
  const { key, here } = options;
  const former = handleOf(await here.claim(claimOf(key), LONG));
  await here.fail({ handle: former, kind: FailKind.NOT_STARTED }, LONG);
  const request = claimOf(key);
  return createTrial(options, {
    hasEffect: ({ state, claimId }) => state === IN_PROGRESS && claimId === request.claimId,
    call: (rpc, signal) => rpc.claim(request, { ...LONG, signal }),
    agrees({ detail }, { fence, token }) {
      const handle = detail.case === "acquired" ? detail.value.lease?.handle : undefined;
      return handle?.fence === fence && Buffer.from(handle.token).toString("hex") === token;
    },
  });
}

const IN_PROGRESS = 1;
const COMPLETED = 3;

interface Call<Answer> extends Pick<Trial, "hasEffect"> {
  call(rpc: Rpc, signal: AbortSignal): Promise<Answer>;
  agrees(answer: Answer, effect: Effect): boolean;
}

function createTrial<Answer>({ key, here, again, leaves }: TrialOptions, deps: Call<Answer>): Trial {
  const { hasEffect, call, agrees } = deps;
  const leaving = new AbortController();
  const staying = new AbortController();
  let first: Promise<Answer | null> = Promise.resolve(null);
  let told: Promise<Told> | null = null;
  const ask = async (): Promise<Told> => {
    const answered = await first;
    const answer = answered ?? (await persist(() => call(again, staying.signal)));
    return { byServer: answered !== null, agreesWith: (effect) => agrees(answer, effect) };
  };
  return {
    ...{ key, hasEffect },
    send() {
      first = call(here, leaving.signal).catch(() => null);
    },
    leave() {
      if (leaves) leaving.abort();
    },
    told() {
      told ??= ask();
      return told;
    },
  };
}

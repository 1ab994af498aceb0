import { isIP } from "node:net";
import type { Clock } from "../../clock.ts";
import { createBoundedMap } from "./bounded-map.ts";
import { type Fetched, request } from "./request.ts";
import { createResolveByName, type Resolve } from "./resolve.ts";
import { mayBeAsked, type Reach, readTarget, type Target } from "./target.ts";

/**
 * GET of an address that somebody else chose, without lending that somebody this server's place in the network: https
 * on allowed ports only, every address that the host has is checked, and the connection is made to a checked one. No
 * redirects, no credentials, no proxy; 3 s and 256 KiB in all.
 *
 * A URL is asked once in 30 s at most, by however many; in between the last answer is told again. Rejects with the
 * signal's reason when aborted: the fetch itself then goes on for the others and to its end, which is 3 s away.
 */
export type GuardedFetch = (url: string, signal?: AbortSignal) => Promise<Fetched>;

export interface GuardedFetchDeps {
  readonly clock: Clock;
  /** Without it, the name servers are asked that the system is set to. */
  readonly resolve?: Resolve;
  /** Loopback may be asked, and that without TLS: for development. */
  readonly allowLoopback: boolean;
  /** Private networks may be asked: for addresses that the operator configured, never for those of tenants. */
  readonly allowPrivate?: boolean;
  /** Beside 443. */
  readonly ports: readonly number[];
  /** PEM of the authorities that are trusted, instead of those that Node trusts. */
  readonly ca?: string;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 3000;

/** How long an answer is told again, from when it was asked for. */
export const ASKED_AGAIN_AFTER_MS = 30_000;

/** Answers that are remembered, and their bytes. Beyond that a URL may be asked again sooner. */
const ANSWERS_MAX = 4096;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** What an answer costs beside its body. */
const ANSWER_BYTES = 256;

/** Fetches under way: each may hold a socket and 256 KiB. */
const UNDER_WAY_MAX = 128;

export function createGuardedFetch(deps: GuardedFetchDeps): GuardedFetch {
  const { clock } = deps;
  const reach: Reach = { loopback: deps.allowLoopback, private: deps.allowPrivate ?? false, ports: deps.ports };
  const answers = createBoundedMap<{ readonly answer: Fetched; readonly askedMs: number }>({
    entriesMax: ANSWERS_MAX,
    weightMax: ANSWER_BYTES_MAX,
  });
  const underWay = new Map<string, Promise<Fetched>>();

  const ask = async (target: Target): Promise<Fetched> => {
    const askedMs = clock.monotonicMs();
    try {
      const answer = await fetchOnce(deps, reach, target);
      const bytes = answer.kind === "ok" ? answer.body.length : 0;
      answers.set(target.text, { answer, askedMs }, ANSWER_BYTES + bytes);
      return answer;
    } finally {
      underWay.delete(target.text);
    }
  };

  return async (url, signal) => {
    signal?.throwIfAborted();
    const reading = readTarget(url, reach);
    if (reading.kind === "refused") return reading;
    const { target } = reading;
    const known = answers.get(target.text);
    if (known !== undefined && clock.monotonicMs() - known.askedMs < ASKED_AGAIN_AFTER_MS) return known.answer;
    let fetched = underWay.get(target.text);
    if (fetched === undefined) {
      if (underWay.size >= UNDER_WAY_MAX) return uncertain("too many addresses are being asked at once");
      fetched = ask(target);
      underWay.set(target.text, fetched);
    }
    return signal === undefined ? fetched : unlessAborted(fetched, signal);
  };
}

/** Look-up, connection, handshake, headers and body within one time limit. Never rejects. */
async function fetchOnce(deps: GuardedFetchDeps, reach: Reach, target: Target): Promise<Fetched> {
  const end = new AbortController();
  const timedOut = deps.clock
    .sleep(deps.timeoutMs ?? TIMEOUT_MS, end.signal)
    .then(() => uncertain("the address did not answer in time"));
  try {
    return await Promise.race([checkedFetch(deps, reach, target, end.signal), timedOut]);
  } finally {
    end.abort();
  }
}

async function checkedFetch(
  { resolve = createResolveByName(), ca }: GuardedFetchDeps,
  reach: Reach,
  target: Target,
  signal: AbortSignal,
): Promise<Fetched> {
  let addresses: readonly string[] = [target.host];
  if (isIP(target.host) === 0) {
    try {
      addresses = await resolve(target.host, signal);
    } catch {
      return uncertain("the host could not be looked up");
    }
  }
  if (addresses.length === 0) return uncertain("the host could not be looked up");
  if (!mayBeAsked(addresses, target, reach))
    return { kind: "refused", reason: "the host is not one that may be asked" };
  return request(target, { addresses, ca, signal });
}

function uncertain(reason: string): Fetched {
  return { kind: "uncertain", reason };
}

async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

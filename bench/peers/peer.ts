/** A system that somebody would pick instead, running on this machine. */
export interface Peer extends AsyncDisposable {
  /** Which version of what ran, and what sent the load. */
  readonly version: string;
  readonly arms: readonly Arm[];
}

export interface Arm {
  /** kebab-case, with the calls that are open at a time at its end. */
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  run(seconds: number): Promise<Load>;
}

/** What a closed loop counted. */
export interface Load {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Where the peers keep what they keep. */
export interface Home {
  /** A database that is there and may be filled. */
  readonly postgresUrl: string;
  /** On the disk that Postgres is on; removed at the end. */
  readonly directory: string;
}

/** Ended keys that replays take turns with; our own arms have as many. */
export const REPLAYED_KEYS = 500;

/** What each of them answers: the body of a small JSON response. */
export const RESULT = { id: "ch_3PqLx2", amount: 4200, currency: "eur", status: "succeeded" };

/** Keeps `width` calls open, each sent as soon as the one before it is answered. */
export async function closedLoop(width: number, seconds: number, call: (i: number) => Promise<unknown>): Promise<Load> {
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let next = 0;
  const caller = async () => {
    for (let nowMs = performance.now(); nowMs < endMs; ) {
      await call(next++);
      const answeredMs = performance.now();
      latenciesMs.push(answeredMs - nowMs);
      nowMs = answeredMs;
    }
  };
  await Promise.all(Array.from({ length: width }, caller));
  const perSecond = (latenciesMs.length * 1000) / (performance.now() - startMs);
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number) => latenciesMs[Math.floor(latenciesMs.length * share)] ?? Number.NaN;
  return { perSecond, p50Ms: at(0.5), p99Ms: at(0.99) };
}

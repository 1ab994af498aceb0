import type { Transport } from "./caller.ts";
import type { Latency, Measured } from "./loops.ts";
import type { Work } from "./work.ts";

/** Where a load goes: to these servers in turn, as so many calls at a time. */
export interface Aim {
  readonly transport: Transport;
  /** host:port */
  readonly addresses: readonly string[];
}

/** What a client process is told to do. */
export type Order =
  | (Aim & { readonly kind: "end-keys"; readonly keys: number })
  | (Aim & { readonly kind: "closed-loop"; readonly work: Work; readonly callers: number; readonly ms: number })
  | (Aim & {
      readonly kind: "open-loop";
      readonly work: Work;
      readonly perSecond: number;
      readonly callsMax: number;
      readonly ms: number;
    })
  /** Of a message that the server answers as it was told. */
  | (Aim & { readonly kind: "echo"; readonly callers: number; readonly ms: number })
  /** So many claims at one instant: all of one key, or each of its own. */
  | (Aim & { readonly kind: "burst"; readonly claims: number; readonly keys: "one" | "own" })
  /**
   * One key after the other: held at `holder`, waited for by so many at `waiter`, completed when all of them wait; and
   * after each an echo of `waiter`, as long after what was before it.
   */
  | {
      readonly kind: "wake-ups";
      readonly transport: "unary" | "grpc-js";
      readonly holder: string;
      readonly waiter: string;
      /** The URL where `waiter` says how many wait. */
      readonly waiterMetrics: string;
      readonly waiters: number;
      readonly trials: number;
    }
  /** A key that is held at `holder`, and connections for so many who are to wait for it. */
  | (Aim & { readonly kind: "hold"; readonly holder: string; readonly how: Waiting; readonly waiters: number })
  /** So many more of them come. */
  | { readonly kind: "join"; readonly waiters: number }
  /** Completes what they wait for. */
  | { readonly kind: "release" };

/** By a claim each, by a stream of WaitFor each; or a call that a bare server never answers. */
export type Waiting = "claims" | "streams" | "bare";

export interface Answers {
  "end-keys": { readonly answer: Uint8Array };
  "closed-loop": Measured & { readonly outcomes: Readonly<Record<string, number>> };
  "open-loop": Measured & { readonly outcomes: Readonly<Record<string, number>> };
  echo: Measured;
  burst: { readonly elapsedMs: number; readonly latency: Latency; readonly outcomes: Readonly<Record<string, number>> };
  "wake-ups": { readonly ms: readonly number[]; readonly echoMs: readonly number[] };
  hold: Record<string, never>;
  /** Why one of those who have come does not wait any more, if that is so. */
  join: { readonly lost?: string };
  release: { readonly ms: readonly number[] };
}

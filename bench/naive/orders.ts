import type { Measured } from "../load/loops.ts";

export type NaiveWay = "transactions" | "statements";

export type NaiveOrder =
  | { readonly kind: "end-keys"; readonly keys: number }
  | { readonly kind: "pairs"; readonly by: NaiveWay; readonly callers: number; readonly ms: number }
  | {
      readonly kind: "replays";
      readonly by: NaiveWay;
      readonly keys: number;
      readonly callers: number;
      readonly ms: number;
    }
  | { readonly kind: "polled"; readonly waiters: number; readonly trials: number }
  | { readonly kind: "notified"; readonly trials: number };

export interface NaiveAnswers {
  "end-keys": Record<string, never>;
  pairs: Measured;
  replays: Measured;
  polled: { readonly ms: readonly number[] };
  notified: { readonly ms: readonly number[] };
}

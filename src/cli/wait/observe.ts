import { type Holdfast, HoldfastError, TimeoutError, type WaitEvent, type WaitTarget } from "../../client/client.ts";
import type { Clock } from "../../client/clock.ts";
import { retryDelayMs } from "../../client/wire-error.ts";

/** How a wait went. */
export type Observed =
  | { readonly kind: "ended" }
  /** The time was over. */
  | {
      readonly kind: "timed-out";
      /** What was last told of the record. */
      readonly last: Standing;
      /** What kept the server from answering, when that was what took the time. */
      readonly cause: unknown;
    };

export type Standing = "absent" | "open" | "outcome-unknown";

export interface Watch {
  readonly target: WaitTarget;
  readonly timeoutMs: number;
  readonly mustExist: boolean;
  readonly signal: AbortSignal;
  /** Told of everything that changes, in a few words. */
  readonly onChange: (text: string, standing: Standing) => void;
}

export interface ObserveDeps {
  /** Gives up soon: a server that is not there at all is told before somebody wonders. */
  readonly first: Pick<Holdfast, "waitFor">;
  /** Takes over once the first has been told something: a server that has been there may come back. Never gives up. */
  readonly later: Pick<Holdfast, "waitFor">;
  readonly clock: Pick<Clock, "monotonicMs">;
}

/** Waits until the record has ended; through unknown outcomes too, whose answer may still come. */
export async function observe(
  { first, later, clock }: ObserveDeps,
  { target, onChange, timeoutMs, ...options }: Watch,
): Promise<Observed> {
  const endMs = clock.monotonicMs() + timeoutMs;
  let last: Standing = "absent";
  let hasHeard = false;
  for (let client = first; ; client = later) {
    const leftMs = Math.max(1, endMs - clock.monotonicMs());
    try {
      for await (const event of client.waitFor([target], { ...options, timeoutMs: leftMs, includeResult: false })) {
        hasHeard = true;
        if (event.kind === "ended") return { kind: "ended" };
        last = standingAfter(event, last);
        onChange(textOf(event), last);
      }
    } catch (error) {
      if (error instanceof TimeoutError) return { kind: "timed-out", last, cause: error.cause };
      if (client === later || !hasHeard || !mayComeBack(error)) throw error;
      onChange("the server does not answer any more", last);
      continue;
    }
    throw new Error("the server has ended the wait without telling the end");
  }
}

function mayComeBack(error: unknown): boolean {
  return error instanceof HoldfastError && retryDelayMs(error.cause) !== null;
}

function standingAfter(event: WaitEvent, before: Standing): Standing {
  switch (event.kind) {
    case "snapshot":
      if (event.record === undefined) return "absent";
      return event.record.state === "outcome-unknown" ? "outcome-unknown" : "open";
    case "outcome-unknown":
      return "outcome-unknown";
    case "lease-changed":
      // A reconciler's attempt begins and ends within an unknown outcome, which is then told again.
      return "open";
    case "progress":
    case "checkpoint":
    case "ended":
      return before;
  }
}

function textOf(event: WaitEvent): string {
  switch (event.kind) {
    case "snapshot":
      return event.record === undefined ? "there is no such record yet" : event.record.state;
    case "progress":
      return `${Math.round(event.progress.fraction * 100)} % ${event.progress.message}`.trimEnd();
    case "checkpoint":
      return `checkpoint ${event.checkpoint.sequence} ${event.checkpoint.name}`.trimEnd();
    case "lease-changed":
      return `${event.change}, attempt ${event.attempt}`;
    case "outcome-unknown":
      return "nobody knows whether the work was done";
    case "ended":
      return "";
  }
}

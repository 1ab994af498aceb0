import type { Clock } from "../../clock.ts";
import { NotHeard } from "../listener.ts";
import type { Notifier } from "../notifier.ts";

/** One notification of our own, to see whether it arrives. */
export interface Probe {
  /** Milliseconds from sending it to its arrival; rejects with a NotHeard, or with what it was failed with. */
  run(): Promise<number>;
  /** True if this is its payload. */
  arrived(payload: string): boolean;
  fail(cause: Error): void;
}

export interface ProbeDeps {
  readonly notifier: Pick<Notifier, "probe">;
  readonly clock: Clock;
  /** Never sent before, and of a length that no ids have. */
  readonly payload: string;
}

const PROBE_MS_MAX = 2_000;
const RETRY_MS = 100;

/**
 * Goes the way that real notifications go: out by the notifier's connection, in by the listener's. Sent on the listener's
 * own connection it would succeed where nothing else arrives: behind a pooler in transaction mode, whose connection to
 * the server is lent for that one statement and tells of what was sent on it. The probes of other servers arrive as well,
 * and say nothing of what this one sends.
 */
export function createProbe({ notifier, clock, payload }: ProbeDeps): Probe {
  const arrival = Promise.withResolvers<number>();

  /** A connection that is just being opened anew refuses it; while there is time it is tried again. */
  const send = async (signal: AbortSignal, onSent: () => void, onRefused: (error: unknown) => void) => {
    while (!signal.aborted) {
      try {
        await notifier.probe(payload);
        return onSent();
      } catch (error) {
        onRefused(error);
        await clock.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  };

  return {
    async run() {
      const over = new AbortController();
      const sentAtMs = clock.monotonicMs();
      let wasSent = false;
      let refusal: unknown;
      const onSent = () => {
        wasSent = true;
      };
      void send(over.signal, onSent, (error) => {
        refusal = error;
      });
      const overdue = async () => {
        await clock.sleep(PROBE_MS_MAX, over.signal);
        // After a long block of the event loop timers come first, and only then what has arrived meanwhile.
        await clock.turn();
        throw new NotHeard(PROBE_MS_MAX, wasSent, refusal);
      };
      try {
        return (await Promise.race([arrival.promise, overdue()])) - sentAtMs;
      } finally {
        over.abort();
      }
    },
    arrived(received) {
      if (received !== payload) return false;
      arrival.resolve(clock.monotonicMs());
      return true;
    },
    fail: arrival.reject,
  };
}

import { UNOPENABLE_REASONS, type UnopenableReason } from "../store/sealed/opener.ts";
import type { CounterSpec } from "./metric-spec.ts";
import type { Metrics } from "./metrics.ts";

export const UNOPENABLE = {
  kind: "counter",
  name: "holdfast_unopenable_total",
  unit: "readings",
  help: "Readings of stored content that could not be decrypted, by why. Anything but 0 is an alarm.",
  advice: "A master key that this server lacks, or rows that were changed behind its back. The log names the tenant.",
  labels: { why: UNOPENABLE_REASONS },
} as const satisfies CounterSpec;

/** To be told of each such reading. */
export function createUnopenableCounter(metrics: Metrics): (why: UnopenableReason) => void {
  const unopenable = metrics.counter(UNOPENABLE);
  return (why) => {
    unopenable(why).value++;
  };
}

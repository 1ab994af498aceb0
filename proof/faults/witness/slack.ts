import type { Field } from "../row.ts";

const CALLS = 10;

/**
 * What a machine is given for being slow: ten calls in a row, each as slow as the slowest in a hundred before the fault.
 * To open a connection takes some five, to be lent one again and pass the barrier the others.
 */
export function slackMs({ load, baseline }: Pick<Field, "load" | "baseline">): number {
  return Math.ceil(CALLS * load.latencies(baseline).p99Ms);
}

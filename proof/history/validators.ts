import type { History } from "./history.ts";
import { createServerTimes } from "./server-time.ts";
import { fencesRise } from "./validators/v1-fences.ts";
import { oneResult } from "./validators/v2-one-result.ts";
import { replayed } from "./validators/v3-replayed.ts";
import { sameBytes } from "./validators/v4-same-bytes.ts";
import { waitsEnd } from "./validators/v5-waits-end.ts";
import { ownCanaries } from "./validators/v6-canaries.ts";
import { lastLook } from "./validators/v7-last-look.ts";
import { tallyUnknown, type UnknownFigures } from "./validators/v8-unknown.ts";
import type { Checked, Time, Validator } from "./validators/validator.ts";

export const VALIDATORS: readonly Validator[] = [
  fencesRise,
  oneResult,
  replayed,
  sameBytes,
  waitsEnd,
  ownCanaries,
  lastLook,
];

export interface Validated {
  readonly keys: number;
  readonly validators: readonly ValidatorReport[];
  readonly unknown: UnknownFigures;
  /** How far the clocks moved against each other although no mark says so. */
  readonly clocksMovedUs: number;
}

export interface ValidatorReport {
  readonly id: Validator["id"];
  readonly promise: string;
  readonly judged: number;
  /** Of these, those that were under way at some time of what the driver was interested in. */
  readonly judgedWithin: number;
  readonly violations: number;
  /** The first ones. */
  readonly examples: readonly Example[];
}

export interface Example {
  readonly key: string;
  readonly why: string;
  readonly places: readonly string[];
}

const EXAMPLES_MAX = 5;
const EVER: Time = { fromNs: Number.NEGATIVE_INFINITY, toNs: Number.POSITIVE_INFINITY };

/**
 * Key by key, so that only one key's calls are in memory.
 *
 * @param within what the driver is interested in, say from when to when it did something; by default everything
 */
export function validate(history: History, within: Time = EVER): Validated {
  const { marks } = history;
  const times = createServerTimes(history.times, marks);
  const reports = VALIDATORS.map((validator) => startReport(validator, within));
  const unknown = tallyUnknown();
  let keys = 0;
  for (const calls of history.keys()) {
    const [{ tenant, scope, key } = { tenant: "", scope: "", key: "" }] = calls;
    keys++;
    unknown.add(calls);
    for (const report of reports) report.add(`${tenant} / ${scope} / ${key}`, calls, { times, marks });
  }
  const validators = reports.map(({ report }) => report());
  return { keys, validators, unknown: unknown.figures(), clocksMovedUs: times.movedUs };
}

function startReport({ id, promise, check }: Validator, within: Time) {
  const examples: Example[] = [];
  let [judged, judgedWithin] = [0, 0];
  let violations = 0;
  return {
    add(key: string, ...[calls, context]: Parameters<Validator["check"]>) {
      const found: Checked = check(calls, context);
      judged += found.judged.length;
      judgedWithin += found.judged.filter(({ fromNs, toNs }) => fromNs <= within.toNs && toNs >= within.fromNs).length;
      violations += found.violations.length;
      for (const { why, lines } of found.violations.slice(0, EXAMPLES_MAX - examples.length)) {
        examples.push({ key, why, places: lines.map(({ place }) => place) });
      }
    },
    report: (): ValidatorReport => ({ id, promise, judged, judgedWithin, violations, examples }),
  };
}

import { type CheckerOptions, checkLinearizability, type Linearizability } from "./checker.ts";
import { openHistory } from "./history.ts";
import type { Time } from "./validators/validator.ts";
import { type Validated, validate } from "./validators.ts";

/** What the validators and porcupine say of one history. */
export interface HistoryReport {
  readonly verdict: "OK" | "VIOLATION" | "UNDECIDED";
  readonly validated: Validated;
  readonly linearizability: Linearizability;
}

export interface CheckOptions extends CheckerOptions {
  /** From when to when the driver did something; see ValidatorReport. */
  readonly within?: Time | undefined;
}

/**
 * Holds a history against everything that there is: the validators always, porcupine where there is Go.
 *
 * @param files of all client processes
 * @throws Error that names the file and the line at fault, or says why the checker could not be built
 */
export async function checkHistory(
  files: readonly string[],
  { within, ...options }: CheckOptions = {},
): Promise<HistoryReport> {
  const validated = validateFiles(files, within);
  const linearizability = await checkLinearizability(files, options);
  return { verdict: verdictOf(validated, linearizability), validated, linearizability };
}

function validateFiles(files: readonly string[], within: Time | undefined): Validated {
  using history = openHistory(files);
  if (history.calls === 0) throw new Error(`no calls in ${files.join(", ")}`);
  return validate(history, within);
}

function verdictOf({ validators }: Validated, linearizability: Linearizability): HistoryReport["verdict"] {
  const checked = linearizability.kind === "checked" ? linearizability.report.verdict : "OK";
  return validators.some(({ violations }) => violations > 0) ? "VIOLATION" : checked;
}

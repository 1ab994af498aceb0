import type { HistoryReport } from "../history/check.ts";
import type { Figure, Row, ValidatorId } from "./row.ts";

/** All that a row is judged by. */
export interface Found {
  readonly figures: readonly Figure[];
  readonly history: HistoryReport;
  /** What did not come to its end; null: everything did. */
  readonly stuck: string | null;
  /** Why the row did not get to its end; null: it did. */
  readonly brokeOff: string | null;
  /** Calls that were answered INTERNAL. */
  readonly internal: number;
  readonly mishaps: readonly string[];
  /** Batches that servers sent once more for a connection that was lost, though nothing had been done to it. */
  readonly resent: number;
  readonly unjudged: readonly ValidatorId[];
  readonly told?: NonNullable<Row["told"]>;
  /** Whether figures in ms are held to their bounds. Not where others use the machine meanwhile, as in the gate. */
  readonly judgesTimes?: boolean;
}

/** That is no finding, and lets no row hold. */
export const NOTHING_JUDGED = "nothing was there to be judged";

/** Instants of calls are exact to microseconds; beyond this times were judged so leniently that it says little. */
const CLOCKS_MOVED_US_MAX = 1_000;

/** What is not as it must be, a sentence each; none: the row holds. */
export function findFaults({
  figures,
  history,
  stuck,
  brokeOff,
  internal,
  mishaps,
  unjudged,
  told = [],
  judgesTimes = true,
}: Found): readonly string[] {
  const { validators } = history.validated;
  return [
    ...(told.includes("porcupine") ? [] : porcupineFaults(history)),
    ...validators
      .filter(({ id }) => !told.includes(id))
      .flatMap(({ id, promise, violations, judged, judgedWithin, examples }) => {
        const [example] = examples;
        const where = example === undefined ? "" : `, first ${example.key}: ${example.why}`;
        if (violations > 0) return [`${id}: ${violations} of ${judged} violate "${promise}"${where}`];
        return judgedWithin === 0 && !unjudged.includes(id) ? [`${id}: ${NOTHING_JUDGED}`] : [];
      }),
    ...clockFaults(history),
    ...figures.filter((figure) => !isHeld(figure) && (judgesTimes || figure.unit !== "ms")).map(brokenText),
    ...(brokeOff === null ? [] : [`it broke off: ${brokeOff}`]),
    ...(stuck === null ? [] : [stuck]),
    ...(internal > 0 ? [`${internal} calls were answered INTERNAL`] : []),
    ...mishaps.map((mishap) => `mishap: ${mishap}`),
  ];
}

/**
 * Why what was found is no finding; null: it is one. A server that loses its database's answer sends the call again, and
 * porcupine knows of that only where something was done. A machine that stands still for seconds does it too.
 */
export function doubtOf(
  { resent, history }: Pick<Found, "resent" | "history">,
  faults: readonly string[],
): string | null {
  if (resent === 0 || faults.length === 0 || !faults.every((fault) => porcupineFaults(history).includes(fault))) {
    return null;
  }
  return `servers lost connections by themselves and sent ${resent} batches again, of which porcupine does not know: ${faults[0]}`;
}

/** How much is violated of what a row tells and does not judge. */
export function toldFigures(history: HistoryReport, told: NonNullable<Row["told"]>): readonly Figure[] {
  const { linearizability, validated } = history;
  const keys = linearizability.kind === "checked" ? linearizability.report.violations.length : 0;
  const counts = new Map(validated.validators.map(({ id, violations }) => [id as string, violations]));
  return told.map((id) => ({
    name: id === "porcupine" ? "keys that porcupine finds violated" : `violations of ${id}`,
    value: id === "porcupine" ? keys : (counts.get(id) ?? 0),
    unit: "",
  }));
}

export function isHeld({ value, must }: Figure): boolean {
  if (must === undefined) return true;
  if (!Number.isFinite(value)) return false;
  return "atMost" in must ? value <= must.atMost : value >= must.atLeast;
}

function brokenText(figure: Figure): string {
  return `figure: ${figureText(figure)}, and must be ${boundText(figure)}`;
}

/** "kills 4" */
export function figureText({ name, value, unit }: Figure): string {
  const number = Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 2 : 1);
  return `${name} ${number}${unit === "" ? "" : ` ${unit}`}`;
}

export function boundText({ must, unit }: Figure): string {
  if (must === undefined) return "";
  const text = "atMost" in must ? `at most ${must.atMost}` : `at least ${must.atLeast}`;
  return unit === "" ? text : `${text} ${unit}`;
}

function porcupineFaults({ linearizability }: HistoryReport): readonly string[] {
  if (linearizability.kind === "not-run") return [];
  const { verdict, violations, undecided } = linearizability.report;
  if (verdict === "OK") return [];
  const [first] = [...violations, ...undecided];
  const named = first === undefined ? "" : `, first ${first.tenant} / ${first.scope} / ${first.key}`;
  return [`porcupine: ${verdict}, ${violations.length} keys violated, ${undecided.length} undecided${named}`];
}

function clockFaults({ validated, linearizability }: HistoryReport): readonly string[] {
  const checked = linearizability.kind === "checked" ? linearizability.report.clocks_moved_us : 0;
  const movedUs = Math.max(validated.clocksMovedUs, checked);
  if (movedUs <= CLOCKS_MOVED_US_MAX) return [];
  return [`the clocks moved against each other by ${movedUs} us, and no mark says so`];
}

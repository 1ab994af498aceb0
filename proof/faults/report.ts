import type { HistoryReport } from "../history/check.ts";
import type { Figure, Row } from "./row.ts";
import type { Ran } from "./run-row.ts";
import { figureText } from "./verdict.ts";

/** What docs/proof/faults.json holds. */
export interface Report {
  readonly startedAt: string;
  readonly seconds: number;
  readonly full: boolean;
  readonly seed: number;
  readonly versions: Versions;
  readonly machine: Machine;
  readonly rows: readonly Outcome[];
}

export interface Versions {
  readonly commit: string;
  readonly node: string;
  readonly postgres: string;
  /** Null: it did not run, for there is no Go. */
  readonly porcupine: string | null;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly kernel: string;
}

export type Outcome = Judged | NotRun;

export interface Judged {
  readonly kind: "holds" | "violated";
  readonly id: string;
  readonly fault: string;
  readonly seed: number;
  readonly times: number;
  readonly seconds: number;
  readonly calls: number;
  readonly unknownPercent: number;
  readonly keys: number;
  /** Null: it did not run. */
  readonly porcupine: { readonly ms: number; readonly violations: number; readonly undecided: number } | null;
  /** By its id, how many things it judged, and how many of them were wrong. */
  readonly validators: Readonly<Record<string, { readonly judged: number; readonly violations: number }>>;
  /** Of these the violations are no fault of the service: their figures tell what the fault costs. */
  readonly told: readonly string[];
  readonly figures: readonly Figure[];
  readonly faults: readonly string[];
  readonly kept: string | null;
  /** Null: it was not run, or there is none. */
  readonly control: ControlOutcome | null;
}

/** Left out for what the machine lacks; or it broke before there was anything to judge. */
export interface NotRun {
  readonly kind: "left-out" | "broken";
  readonly id: string;
  readonly fault: string;
  readonly seed: number;
  readonly why: string;
}

export interface ControlOutcome {
  readonly kind: "fails" | "holds" | "left-out" | "broken";
  /** What was taken out. */
  readonly what: string;
  /** How it failed, or why it did not run. */
  readonly why: string;
}

export function judgedOf(
  row: Row,
  { figures, history, faults, kept }: Ran,
  run: Pick<Judged, "seed" | "times" | "seconds">,
): Judged {
  const { keys, unknown, validators } = history.validated;
  const checked = porcupineOf(history);
  const { ms = 0, violations = [], undecided = [] } = checked ?? {};
  return {
    kind: faults.length === 0 ? "holds" : "violated",
    ...{ id: row.id, fault: row.fault, ...run },
    ...{ calls: unknown.calls, keys },
    unknownPercent: Math.round((10_000 * unknown.unknown) / Math.max(1, unknown.calls)) / 100,
    porcupine: checked === null ? null : { ms, violations: violations.length, undecided: undecided.length },
    validators: Object.fromEntries(validators.map(({ id, judged, violations }) => [id, { judged, violations }])),
    ...{ told: row.told ?? [], figures, faults, kept, control: null },
  };
}

export function porcupineOf({ linearizability }: HistoryReport) {
  return linearizability.kind === "checked" ? linearizability.report : null;
}

export function isJudged(outcome: Outcome): outcome is Judged {
  return outcome.kind === "holds" || outcome.kind === "violated";
}

/** For people: one line, and one for each thing that is wrong. */
export function lineOf(outcome: Outcome): string {
  const { id, seed } = outcome;
  if (!isJudged(outcome)) {
    return `${id}  seed ${seed}  ${VERDICTS[outcome.kind]}: ${outcome.why}\n`;
  }
  const { calls, unknownPercent, keys, porcupine, figures, faults, kept, control } = outcome;
  const parts = [
    `seed ${seed}`,
    `${calls} calls`,
    `${unknownPercent.toFixed(2)} % unknown`,
    `${keys} keys`,
    porcupine === null ? "porcupine did not run" : `porcupine ${porcupine.ms} ms`,
    ...figures.map((figure) => figureText(figure)),
    VERDICTS[outcome.kind],
  ];
  const lines = [
    `${id}  ${parts.join(", ")}`,
    ...faults.map((fault) => `      ${fault}`),
    ...(kept === null ? [] : [`      its histories are in ${kept}`]),
    ...(control === null ? [] : [`      control: ${control.what}: ${CONTROLS[control.kind]}: ${control.why}`]),
  ];
  return `${lines.join("\n")}\n`;
}

const VERDICTS = { holds: "HOLDS", violated: "VIOLATED", "left-out": "LEFT OUT", broken: "COULD NOT RUN" } as const;

const CONTROLS = {
  fails: "fails, as it must",
  holds: "HOLDS, AND MUST NOT",
  "left-out": "left out",
  broken: "COULD NOT RUN",
} as const;

/**
 * 0: every row that ran holds, and every control fails; a row that is left out says so and is no failure. In the full form
 * porcupine has to have judged: there a row without it has not proved what it promises.
 */
export function exitCodeOf({ rows, full }: Pick<Report, "rows" | "full">): 0 | 1 | 2 {
  const controls = rows.flatMap((row) => (isJudged(row) && row.control !== null ? [row.control.kind] : []));
  const kinds = rows.map(({ kind }) => kind);
  if (kinds.includes("violated") || controls.includes("holds")) return 1;
  const lacksOrder = full && rows.some((row) => isJudged(row) && row.porcupine === null);
  return kinds.includes("broken") || controls.includes("broken") || lacksOrder ? 2 : 0;
}

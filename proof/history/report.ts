import type { HistoryReport } from "./check.ts";
import type { CheckedKey, Linearizability } from "./checker.ts";
import type { UnknownFigures } from "./validators/v8-unknown.ts";
import type { ValidatorReport } from "./validators.ts";

/** For people. */
export function textOf({ verdict, validated, linearizability }: HistoryReport): string {
  const { keys, validators, unknown, clocksMovedUs } = validated;
  const moved =
    clocksMovedUs > 0
      ? [
          `the clocks moved against each other by ${clocksMovedUs} us, and no mark says so: times are judged less strictly`,
        ]
      : [];
  return [
    `${verdict}: ${keys} keys, ${unknown.calls} calls`,
    "",
    ...linearizabilityText(linearizability),
    ...validators.flatMap(validatorText),
    ...unknownText(unknown),
    ...moved,
    "",
  ].join("\n");
}

/** One line for a table of runs. */
export function summaryOf({ verdict, validated, linearizability }: HistoryReport): string {
  const { keys, unknown } = validated;
  const checked =
    linearizability.kind === "checked"
      ? `porcupine ${linearizability.report.verdict}, ${linearizability.report.keys} keys in ${linearizability.report.ms} ms`
      : `porcupine did not run: ${linearizability.why}`;
  return `${verdict}: ${unknown.calls} calls, ${shareOf(unknown)} unknown, ${keys} keys; ${checked}`;
}

function linearizabilityText(linearizability: Linearizability): readonly string[] {
  if (linearizability.kind === "not-run") return [`porcupine did not run: ${linearizability.why}`];
  const { verdict, porcupine, keys, ms, violations, undecided } = linearizability.report;
  return [
    `porcupine ${porcupine}: ${verdict}, ${keys} keys in ${ms} ms`,
    ...violations.flatMap(violationText),
    ...undecided.map(
      (key) => `  undecided: ${nameOf(key)}, ${key.calls} calls: too many orders for the time (--timeout)`,
    ),
  ];
}

const PREFIX_SHOWN = 12;

function violationText(key: CheckedKey): readonly string[] {
  const { prefix = [], html } = key;
  const left = Math.max(0, prefix.length - PREFIX_SHOWN);
  return [
    `  violation at ${nameOf(key)}: no order of these ${prefix.length} calls explains the last answer`,
    ...(left > 0 ? [`    … ${left} before`] : []),
    ...prefix.slice(left).map((line) => `    ${line}`),
    ...(html === undefined ? [] : [`    drawn in ${html}`]),
  ];
}

function validatorText({ id, promise, judged, violations, examples }: ValidatorReport): readonly string[] {
  const found = violations === 0 ? `0 of ${judged}` : `${violations} VIOLATIONS of ${judged}`;
  return [
    `${id} ${found}: ${promise}`,
    ...examples.map(({ key, why, places }) => `  ${key}: ${why}: ${places.join(" and ")}`),
    ...(violations > examples.length && examples.length > 0 ? [`  … and ${violations - examples.length} more`] : []),
  ];
}

function unknownText(unknown: UnknownFigures): readonly string[] {
  const { byCode, resolved, neverRepeated } = unknown;
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return [
    `V8 ${unknown.unknown} of ${unknown.calls} calls without an answer (${shareOf(unknown)})${[...list(byCode)].map((each) => `, ${each}`).join("")}`,
    ...(unknown.unknown === 0 ? [] : [`  sent again: ${[...list(resolved), `${neverRepeated} never`].join(", ")}`]),
  ];
}

function shareOf({ calls, unknown }: UnknownFigures): string {
  return `${((100 * unknown) / Math.max(1, calls)).toFixed(2)} %`;
}

function nameOf({ tenant, scope, key }: CheckedKey): string {
  return `${tenant} / ${scope} / ${key}`;
}

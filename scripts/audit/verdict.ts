import { DAYS_MAX, type Exception, lastDay } from "./exceptions.ts";
import { type Advisory, type Answer, SEVERITIES, type Severity } from "./report.ts";

/** What was asked, and from which severity on an answer counts. */
export interface Question {
  readonly what: string;
  readonly from: Severity;
  readonly args: readonly string[];
}

/**
 * What is shipped must be clean; of what only builds and tests it nothing reaches a user, so only what could harm whoever
 * runs it counts. Groups are named both ways: NODE_ENV or a configuration of the user's own leaves some out too.
 */
export const QUESTIONS: readonly Question[] = [
  { what: "what is shipped", from: "low", args: ["--omit=dev", "--include=optional", "--include=peer"] },
  { what: "everything", from: "high", args: ["--include=dev", "--include=optional", "--include=peer"] },
];

export interface Verdict {
  readonly kind: "clean" | "problems" | "unreached" | "unusable";
  readonly lines: readonly string[];
}

/** The gate lets 3 pass: a registry that is not there is no reason not to build, but it is said. */
export const EXIT_CODES = { clean: 0, problems: 1, unusable: 2, unreached: 3 } as const satisfies Record<
  Verdict["kind"],
  number
>;

/** @param answers in the order of the questions */
export function judge(
  answers: readonly Answer[],
  exceptions: readonly Exception[],
  today: string,
  questions: readonly Question[] = QUESTIONS,
): Verdict {
  const told = answers.flatMap((answer, index) =>
    answer.kind === "report" ? [] : [`${questions[index]?.what}: ${answer.why}`],
  );
  if (answers.some(({ kind }) => kind === "unusable")) {
    return { kind: "unusable", lines: told.map((line) => `npm audit cannot be run for ${line}`) };
  }
  const findings = findingsOf(answers, questions);
  const isWhole = told.length === 0;
  const problems = [
    ...findings.filter(({ id }) => !exceptions.some((exception) => exception.id === id)).map(describe),
    ...exceptions.flatMap((exception) => problemsOf(exception, findings, { isWhole, today })),
  ];
  const unreached = told.map((line) => `NOT AUDITED, for the registry has no answer: ${line}`);
  if (problems.length > 0) return { kind: "problems", lines: [...problems, ...unreached] };
  if (!isWhole) return { kind: "unreached", lines: unreached };
  const excepted = exceptions.map(({ id, why, until }) => `excepted until ${until}: ${id}: ${why}`);
  const asked = questions.map(({ what, from }) => `of ${from} severity or worse against ${what}`).join(", nor ");
  return { kind: "clean", lines: [...excepted, `Nothing${excepted.length > 0 ? " else" : ""} is known ${asked}.`] };
}

/** Of several locks: the worst of them, with what is said of each. */
export function together(verdicts: readonly (Verdict & { readonly directory: string })[]): Verdict {
  const kind = KINDS.find((each) => verdicts.some((verdict) => verdict.kind === each)) ?? "unusable";
  const lines = verdicts.flatMap((verdict) => verdict.lines.map((line) => `${verdict.directory}: ${line}`));
  return { kind, lines };
}

/** The worst first. */
const KINDS: readonly Verdict["kind"][] = ["problems", "unusable", "unreached", "clean"];

/** Each once, though both questions find what is shipped. */
function findingsOf(answers: readonly Answer[], questions: readonly Question[]): readonly Advisory[] {
  const counted = answers.flatMap((answer, index) => {
    const from = SEVERITIES.indexOf(questions[index]?.from ?? "info");
    if (answer.kind !== "report") return [];
    return answer.advisories.filter(({ severity }) => SEVERITIES.indexOf(severity) >= from);
  });
  return [...new Map(counted.map((advisory) => [`${advisory.id} ${advisory.package}`, advisory])).values()];
}

function describe({ id, package: name, severity, title, range, places }: Advisory): string {
  return `${id} (${severity}) ${name} ${range}: ${title}; in ${places.join(", ")}`;
}

function problemsOf(
  { id, until }: Exception,
  findings: readonly Advisory[],
  { isWhole, today }: { readonly isWhole: boolean; readonly today: string },
): readonly string[] {
  const isFound = findings.some((finding) => finding.id === id);
  // Without all answers nobody knows; a day that has passed changes nothing of that.
  if (!isFound) return isWhole ? [`the exception of ${id} is needed no longer: remove it`] : [];
  if (until < today) return [`the exception of ${id} has ended on ${until}: look at it again`];
  const last = lastDay(today);
  if (until > last) return [`the exception of ${id} is until ${until}; at most ${DAYS_MAX} days, until ${last}`];
  return [];
}

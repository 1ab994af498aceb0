import type { Report, Section, Target, Unmeasured } from "./report.ts";

interface Goal extends Target {
  readonly what: string;
  /** Measured only with `--full`, or only without it; else by both. */
  readonly only?: "full" | "short";
}

/**
 * What the project holds itself to, by section and figure. A run names those that it has not measured: an arm that failed,
 * or that there was no time for, is not an arm without targets.
 */
const GOALS = {
  "peers/unary-to-engines": { what: "unary pairs ÷ the best of Restate and DBOS", atLeast: 4 },
  "peers/session-to-engines": { what: "session pairs ÷ the best of Restate and DBOS", atLeast: 10 },
  "peers/session-to-redis": { what: "session pairs ÷ Redis, single writes", atLeast: 0.5 },
  "peers/replay-to-restate": { what: "unary replay ÷ Restate's replay", atLeast: 1.2 },
  "replay/unary-to-echo": { what: "unary replay ÷ echo", atLeast: 0.8 },
  "replay/session-to-unary": { what: "session ÷ unary calls", atLeast: 2.5 },
  "wake-up/p50-to-echo-grpc-js": { what: "another server: p50 ÷ echo's p50, by grpc-js's client", atMost: 3 },
  "wake-up/p99-to-echo-grpc-js": { what: "another server: p99 ÷ echo's p50, by grpc-js's client", atMost: 10 },
  "wake-up/same-10000-reads": { what: "the same server, 10 000 waiters: reads", atMost: 2 },
  "wake-up/other-10000-reads": { what: "another server, 10 000 waiters: reads", atMost: 2 },
  "latency/p99-to-p50": { what: "p99 ÷ p50", atMost: 5 },
  "growth/pairs-300000-rate-ratio": { what: "300 000 records ÷ 10 000: fresh pairs", atLeast: 0.8, only: "short" },
  "growth/pairs-300000-cpu-ratio": { what: "300 000 records ÷ 10 000: time", atMost: 1.3, only: "short" },
  "growth/pairs-1000000-rate-ratio": { what: "10⁶ records ÷ 10⁴: fresh pairs", atLeast: 0.8, only: "full" },
  "growth/pairs-1000000-cpu-ratio": { what: "10⁶ records ÷ 10⁴: processor time", atMost: 1.3, only: "full" },
  "growth/pairs-10000000-rate-ratio": { what: "10⁷ records ÷ 10⁴: fresh pairs", atLeast: 0.8, only: "full" },
  "growth/pairs-10000000-cpu-ratio": { what: "10⁷ records ÷ 10⁴: processor time", atMost: 1.3, only: "full" },
  "memory/claims": { what: "10 000 claims that wait", atMost: 450 },
  "memory/claims-to-bare": { what: "claims that wait ÷ bare", atMost: 1.7 },
  "memory/streams-to-bare": { what: "streams of WaitFor ÷ bare", atMost: 1.7 },
  "memory/sessions-to-bare": { what: "claims that wait, over sessions ÷ bare", atMost: 1.7 },
  "steady/rss-rise": { what: "memory of the server over half an hour: rise", atMost: 0.05, only: "full" },
  "steady/table-rise": { what: "table over half an hour: rise", atMost: 0.05, only: "full" },
  "steady/indexes-rise": { what: "indexes over half an hour: rise", atMost: 0.05, only: "full" },
} as const satisfies Record<string, Goal>;

export type GoalId = keyof typeof GOALS;

export const GOAL_IDS = Object.keys(GOALS) as readonly GoalId[];

export function goal(id: GoalId): Target {
  const { what: _, only: __, ...target }: Goal = GOALS[id];
  return target;
}

type Run = Pick<Report, "sections" | "full" | "leftOut" | "failed">;

/**
 * Targets without a figure: those of the arms that were to run and, where all of a kind were, those that need `--full`.
 *
 * @param arms the ids of the arms that were to run
 * @param isWhole these are all arms, and not some that somebody chose
 */
export function unmeasuredOf(run: Run, arms: readonly string[], isWhole: boolean): readonly Unmeasured[] {
  const missing = GOAL_IDS.flatMap((id): Unmeasured[] => {
    const { what, only }: Goal = GOALS[id];
    const [arm = "", figureId = ""] = id.split("/");
    if (isMeasured(run.sections, arm, figureId)) return [];
    const told = { id, what, target: goal(id) };
    if (only === "full" && !run.full) return isWhole ? [{ ...told, why: "only with --full", isMissing: false }] : [];
    if (!arms.includes(arm) || (only === "short" && run.full)) return [];
    return [{ ...told, why: whyOf(run, arm), isMissing: true }];
  });
  // Those of an arm that has told of them, and has no value: where there is no /proc, say.
  const empty = run.sections.flatMap((section) =>
    section.figures.flatMap(({ id, what, target, spread }): Unmeasured[] => {
      const full = `${section.id}/${id}`;
      if (target === undefined || Number.isFinite(spread.median) || full in GOALS) return [];
      return [{ id: full, what, target, why: "no value", isMissing: true }];
    }),
  );
  return [...missing, ...empty];
}

function isMeasured(sections: readonly Section[], arm: string, figureId: string): boolean {
  const found = sections.find(({ id }) => id === arm)?.figures.find(({ id }) => id === figureId);
  return found !== undefined && Number.isFinite(found.spread.median);
}

function whyOf({ leftOut = [], failed = [] }: Run, arm: string): string {
  if (leftOut.includes(arm)) return `there was no time for ${arm}`;
  if (failed.some(({ id }) => id === arm)) return `${arm} failed`;
  return `${arm} has no figure of it`;
}

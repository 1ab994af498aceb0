import type { Report, Section, Unmeasured } from "./report.ts";

/** Several runs as one: each section as the run has it that says most. */
export interface Runs {
  /** In the order in which they began; all that say something. */
  readonly runs: readonly Report[];
  readonly sections: readonly SectionOfRun[];
  /** Targets that no run says anything about. */
  readonly unmeasured: readonly Unmeasured[];
}

export interface SectionOfRun {
  readonly section: Section;
  /** Its place among the runs, from 1. */
  readonly run: number;
}

/** What was compared was measured in one run, so a section is of one run: of one with `--full`, and of the newest of these. */
export function joinRuns(reports: readonly Report[]): Runs {
  const began = reports.toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  const best = new Map<string, { readonly report: Report; readonly section: Section }>();
  for (const report of began.toSorted((a, b) => Number(a.full) - Number(b.full))) {
    for (const section of report.sections) best.set(section.id, { report, section });
  }
  const chosen = [...best.values()];
  const runs = began.filter((report) => chosen.some((each) => each.report === report) || report.sections.length === 0);
  return {
    runs,
    sections: chosen.map(({ report, section }) => ({ section, run: runs.indexOf(report) + 1 })),
    unmeasured: unmeasuredBy(runs, chosen),
  };
}

function unmeasuredBy(
  runs: readonly Report[],
  chosen: readonly { readonly report: Report; readonly section: Section }[],
): readonly Unmeasured[] {
  const byId = new Map<string, Unmeasured>();
  for (const report of runs) {
    for (const target of report.unmeasured ?? []) {
      const [arm] = target.id.split("/");
      const teller = chosen.find(({ section }) => section.id === arm)?.report;
      // Another run has measured it, or tells why it has not.
      if (teller === undefined || teller === report) byId.set(target.id, target);
    }
  }
  return [...byId.values()];
}

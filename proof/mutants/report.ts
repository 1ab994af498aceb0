import { MUTANTS as SIMULATED } from "../sim/mutants.ts";
import type { Check, Mutant } from "./mutant.ts";
import { commandOf, type Finding } from "./run.ts";

/** What became of one check of one mutant. */
export type CheckReport = {
  readonly layer: Check["layer"];
  readonly command: string;
  readonly ms: number;
} & (
  | { readonly verdict: "killed"; readonly by: string; readonly why: string }
  | { readonly verdict: "survived" }
  /** It could not be run, or fails where nothing is taken out too. */
  | { readonly verdict: "unproved"; readonly why: string }
);

export interface MutantReport {
  readonly id: string;
  readonly name: string;
  readonly note: string | null;
  readonly files: readonly string[];
  /** Of the same name in proof/sim, where the like is taken out of the simulated database. */
  readonly isSimulated: boolean;
  readonly checks: readonly CheckReport[];
}

export interface Report {
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly seconds: number;
  readonly mutants: readonly MutantReport[];
}

export function checkReport(check: Check, finding: Finding, ms: number): CheckReport {
  const own = { layer: check.layer, command: commandOf(check), ms: Math.round(ms) };
  switch (finding.kind) {
    case "failed":
      return { ...own, verdict: "killed", by: finding.by, why: finding.why };
    case "passed":
      return { ...own, verdict: "survived" };
    case "broken":
      return { ...own, verdict: "unproved", why: finding.why };
  }
}

export function mutantReport({ id, name, note, patches }: Mutant, checks: readonly CheckReport[]): MutantReport {
  const files = [...new Set(patches.map(({ file }) => file))];
  return { id, name, note: note ?? null, files, isSimulated: SIMULATED.some((each) => each.id === id), checks };
}

/** 0: each check has killed its mutant; 1: one has survived; 2: one could not run, or a mutant has no check. */
export function exitCodeOf(mutants: readonly MutantReport[]): number {
  const checks = mutants.flatMap((mutant) => mutant.checks);
  if (checks.some(({ verdict }) => verdict === "survived")) return 1;
  return checks.some(({ verdict }) => verdict === "unproved") || mutants.some((each) => each.checks.length === 0)
    ? 2
    : 0;
}

const ID_CHARS = 22;
const LAYER_CHARS = 12;

/** A mutant with its checks, as lines of the table. */
export function linesOf({ id, name, files, isSimulated, checks }: MutantReport): readonly string[] {
  const indent = " ".repeat(ID_CHARS);
  const twin = isSimulated ? `; the like in proof/sim too` : "";
  return [
    `${id.padEnd(ID_CHARS)}${name}`,
    `${indent}${files.join(", ")}${twin}`,
    ...checks.flatMap((check) => checkLines(check).map((line) => `${indent}${line}`)),
  ];
}

function checkLines(check: CheckReport): readonly string[] {
  const seconds = `${(check.ms / 1000).toFixed(1)} s`;
  const layer = check.layer.padEnd(LAYER_CHARS);
  const rest = " ".repeat(LAYER_CHARS);
  switch (check.verdict) {
    case "killed":
      return [`${layer}killed by ${check.by} (${seconds})`, `${rest}${check.why}`];
    case "survived":
      return [`${layer}SURVIVED ${check.command} (${seconds})`];
    case "unproved":
      return [`${layer}NOT PROVED ${check.command} (${seconds})`, `${rest}${check.why}`];
  }
}

export function summaryOf({ mutants, seconds }: Pick<Report, "mutants" | "seconds">): string {
  const checks = mutants.flatMap((mutant) => mutant.checks);
  const count = (verdict: CheckReport["verdict"]) => checks.filter((check) => check.verdict === verdict).length;
  const dead = mutants.filter((mutant) => mutant.checks.some(({ verdict }) => verdict === "killed")).length;
  return (
    `${dead} of ${mutants.length} mutants killed; of ${checks.length} checks ${count("killed")} have killed theirs, ` +
    `${count("survived")} let it live, ${count("unproved")} could not tell; ${Math.round(seconds)} s`
  );
}

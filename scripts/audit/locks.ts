import { QUESTIONS, type Question } from "./verdict.ts";

/** A lock file, what is asked about it, and what of that we go on with for a while. */
export interface Lock {
  /** From the root, where it lies. */
  readonly directory: string;
  readonly questions: readonly Question[];
  /** Below scripts/. Each lock has its own: what cannot be reached in a benchmark may be reached in the service. */
  readonly exceptions: string;
}

/** Nothing of it is shipped, and nobody who builds or tests has it: only what could harm whoever runs it counts. */
const ASIDE = QUESTIONS.filter(({ what }) => what === "everything");

/** All that there are: test/unit/scripts/audit looks for others. */
export const LOCKS: readonly Lock[] = [
  { directory: ".", questions: QUESTIONS, exceptions: "audit/exceptions.json" },
  { directory: "bench/peers", questions: ASIDE, exceptions: "audit/exceptions-bench-peers.json" },
  { directory: "proof/stryker", questions: ASIDE, exceptions: "audit/exceptions-proof-stryker.json" },
];

import type { ChainBreak, ChainPosition } from "../../domain/audit.ts";

/** What an operator keeps elsewhere, and gives back with --expect-head. */
export function headText({ sequence, hash }: ChainPosition): string {
  return `${sequence}:${Buffer.from(hash).toString("hex")}`;
}

/** What was found, as far as the log itself tells. */
export function explainBreak(broken: ChainBreak): string {
  switch (broken.kind) {
    case "line":
      return explainLine(broken.sequence, broken.after);
    case "key":
      return `the key of the record in line ${broken.sequence}, or its salt, is not the one that was written`;
    case "end":
      return broken.last < broken.written
        ? `it ends with line ${broken.last}, although line ${broken.written} was written: lines were removed from its end`
        : `it ends with line ${broken.last}, although line ${broken.written} was the last that a server wrote: lines were added by hand`;
    case "head":
      return `line ${broken.sequence} is not the line that a server wrote, although the chain leads up to it: the log was written anew`;
    case "expected-gone":
      return `there is no line ${broken.sequence} any more, which was expected: lines were removed, or a backup was restored that is older`;
    case "expected-other":
      return `line ${broken.sequence} has another hash than expected: it, or a line before it, was rewritten`;
  }
}

/** A number of its own is no loss: one is given to a change that was not made after all, too. */
function explainLine(sequence: bigint, after: bigint): string {
  if (after === 0n) return `line ${sequence} is not as it was written, or is not the first that was`;
  if (sequence - after > 1n) {
    return `line ${sequence} does not follow from line ${after}: it was changed, or lines between the two were removed`;
  }
  return `line ${sequence} does not follow from line ${after}: one of the two was changed`;
}

/** What to do about it; nothing makes a chain whole again. */
export const BROKEN_MEND =
  "Keep a copy of the tables holdfast.audit and holdfast.audit_head as they are, compare them with a backup, and find out " +
  "who may write to the database besides the servers.";

import { type CallLine, isUnknown } from "../format.ts";

/** Calls that nobody was answered, and what a repeat of them was told. Reported, and no promise. */
export interface UnknownFigures {
  readonly calls: number;
  readonly unknown: number;
  readonly byCode: Readonly<Record<string, number>>;
  /** By kind of call, and what the first answered repeat of it was told. */
  readonly resolved: Readonly<Record<string, number>>;
  readonly neverRepeated: number;
}

export interface UnknownTally {
  /** The calls of one key, by the time at which they were made. */
  add(calls: readonly CallLine[]): void;
  figures(): UnknownFigures;
}

export function tallyUnknown(): UnknownTally {
  const byCode = new Map<string, number>();
  const resolved = new Map<string, number>();
  let [total, unknown, neverRepeated] = [0, 0, 0];
  return {
    add(calls) {
      const answered = new Map<string, CallLine>();
      // From the last to the first, so that what is in the map came later.
      for (const call of calls.toReversed()) {
        if (call.op === "wait_snapshot") continue;
        total++;
        const name = repeatName(call);
        if (!isUnknown(call)) {
          if (name !== null) answered.set(name, call);
          continue;
        }
        unknown++;
        count(byCode, call.output.code ?? "");
        if (name === null) continue;
        const repeat = answered.get(name);
        if (repeat === undefined) neverRepeated++;
        else count(resolved, `${call.op}: ${wordsOf(repeat)}`);
      }
    },
    figures: () => ({
      ...{ calls: total, unknown, neverRepeated },
      ...{ byCode: sorted(byCode), resolved: sorted(resolved) },
    }),
  };
}

/** Equal for calls that are the same call sent again; null for reads, which nobody has to resolve. */
function repeatName({ op, input }: CallLine): string | null {
  switch (op) {
    case "claim":
      return `claim ${input.claim_id}`;
    case "heartbeat":
      return `heartbeat ${input.token}`;
    case "complete":
      return `complete ${input.token} ${input.result}`;
    case "fail":
      return `fail ${input.token} ${input.kind} ${input.error}`;
    default:
      return null;
  }
}

function wordsOf({ output: { kind, reason, already_applied } }: CallLine): string {
  if (kind === "accepted") return already_applied ? "had been applied" : "had not been applied";
  if (kind === "acquired") return reason === "reattached" ? "had been acquired" : "had not been acquired";
  return kind === "refused" ? `refused ${reason}` : kind;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function sorted(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

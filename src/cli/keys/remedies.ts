import { shellWord } from "../shell-word.ts";
import { isLastAttempt } from "./next.ts";
import { isLapsed } from "./standing.ts";
import type { RecordView } from "./view.ts";

/** Something that an operator can do. */
export interface Remedy {
  /** What it does, and what that means. */
  readonly means: string;
  /** To copy; null: it is not done with this program. */
  readonly command: string | null;
}

/** What a command about the same record is to be given besides. */
export interface Invocation {
  /** As given; null: the credential's own. */
  readonly tenant: string | null;
  /** Flags that lead to the same server, as they were given. */
  readonly connection: readonly string[];
}

/** A command about a record, for a shell. */
export function commandText(
  words: readonly string[],
  { scope, key }: Pick<RecordView, "scope" | "key">,
  { tenant, connection }: Invocation,
  flags: readonly string[] = [],
): string {
  const named = ["--scope", scope].map(shellWord);
  // A value that begins with a dash is taken for the next flag, unless it is joined to its own.
  const scoped = scope.startsWith("-") ? [`--scope=${shellWord(scope)}`] : named;
  const tenants = tenant === null ? [] : ["--tenant", shellWord(tenant)];
  const rest = [...scoped, ...tenants, ...flags, ...connection.map(shellWord)];
  return (
    key.startsWith("-")
      ? ["holdfast", ...words, ...rest, "--", shellWord(key)]
      : ["holdfast", ...words, shellWord(key), ...rest]
  ).join(" ");
}

export function remediesFor(record: RecordView, invocation: Invocation): readonly Remedy[] {
  const make: Maker = {
    record,
    command: (means, words, ...flags) => {
      return { means, command: commandText(words.split(" "), record, invocation, flags) };
    },
  };
  switch (record.state) {
    case "in-progress":
      if (record.reconciling) return reconciling(make);
      return isLapsed(record) ? lapsed(make) : inProgress(make);
    case "available":
      return available(make);
    case "outcome-unknown":
      return [findOut(record), ...verdicts(make)];
    case "completed":
      return [
        make.command("Print its result.", "keys get", "--result"),
        make.command(
          "Have the work done again: the next claim is a first claim, and the result is gone.",
          "keys reset",
          REASON,
        ),
      ];
    case "failed":
      return [
        make.command("Print its error.", "keys get", "--result"),
        make.command(
          "Have it tried again: the next claim is a first claim, with all attempts left.",
          "keys reset",
          REASON,
        ),
      ];
    case "expired":
      return [make.command("Have the work done again, before it is forgotten.", "keys reset", REASON)];
  }
}

interface Maker {
  command(means: string, words: string, ...flags: readonly string[]): Remedy;
  readonly record: RecordView;
}

const REASON = "--reason 'WHY'";

function inProgress(make: Maker): readonly Remedy[] {
  return [
    make.command("Wait for its end, and print the result.", "wait"),
    make.command(`Take the lease away: ${effectOfRelease(make.record)}`, "keys release", REASON),
  ];
}

function effectOfRelease(record: RecordView): string {
  if (record.policy?.hold === true) {
    return "the outcome is unknown then, and is to be resolved. The holder can still complete it.";
  }
  return isLastAttempt(record)
    ? "it fails for good with the next claim, because no attempt is left."
    : "the next claim gets it at once. What the holder has begun may be done twice.";
}

function reconciling(make: Maker): readonly Remedy[] {
  return [
    make.command("Wait for the verdict, and print the result.", "wait"),
    make.command("Take the reconciler's lease away: the outcome is unknown as before.", "keys release", REASON),
    ...verdicts(make, "--force"),
  ];
}

const AGAIN: Remedy = {
  means: "Send the request, or the job, again; or find out why nobody works on this scope.",
  command: null,
};

function lapsed(make: Maker): readonly Remedy[] {
  const reset = make.command(
    "Begin anew: the next claim is a first claim, with all attempts left.",
    "keys reset",
    REASON,
  );
  if (isLastAttempt(make.record)) return [reset];
  const release = "Take the lease away as well: the holder, if it is alive, can no longer end it.";
  return [AGAIN, make.command(release, "keys release", REASON), reset];
}

function available(make: Maker): readonly Remedy[] {
  const { policy, dueMs, nowMs } = make.record;
  if (policy === null) return [AGAIN];
  if (dueMs !== null && dueMs > nowMs) {
    return [make.command("Have it claimable at once, with all attempts left.", "keys reset", REASON)];
  }
  return [
    AGAIN,
    make.command("Begin anew: the next claim is a first claim, with all attempts left.", "keys reset", REASON),
  ];
}

function findOut({ externalRef }: RecordView): Remedy {
  const means =
    externalRef === ""
      ? "Find out, where the work is done, whether it was done. Then say so:"
      : `Look for ${externalRef} where the work is done, to find out whether it was done. Then say so:`;
  return { means, command: null };
}

function verdicts(make: Maker, ...flags: readonly string[]): readonly Remedy[] {
  return [
    make.command(
      "It was done: store its result, for all who wait and claim.",
      "keys resolve",
      ...["--completed-json 'RESULT'", ...flags, REASON],
    ),
    make.command(
      "It was not done, and the attempt in doubt cannot do it any more: the next claim does it.",
      "keys resolve",
      ...["--not-done", ...flags, REASON],
    ),
    make.command(
      "It will not be done: store an error, for all who wait and claim.",
      "keys resolve",
      ...["--failed-message 'MESSAGE'", ...flags, REASON],
    ),
  ];
}

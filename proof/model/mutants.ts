/**
 * What is taken out of the model so that a check has something to find. The names of the first seven are those that the
 * other proofs use for the same.
 */
export const MUTANTS = {
  M3: "an end is accepted whatever its token",
  M4: "an end is accepted whatever its fence",
  M5: "a waiter is in the hub's map only when its record has been read",
  M6: "a record is flagged whatever its state is by then",
  M7: "NOTIFY is sent before the end commits",
  M14: "an end is answered before it commits",
  M15: "the sweeper deletes records that somebody holds",
  M16: "a retry makes a claim_id anew",
  "no-compare": "a claim takes the record without a look at whether it still is as it was read",
  "no-floor": "a deleted record's fence is forgotten with it",
  "no-backstop":
    "nothing is read again unless somebody says that it changed, though servers die and notifications get lost",
  "no-timer": "hubs have no timer for the end of a lease",
  "no-guard": "a lease is given back also if it has been reattached since it was granted",
} as const satisfies Record<string, string>;

export type MutantName = keyof typeof MUTANTS;

export const MUTANT_NAMES = Object.keys(MUTANTS) as readonly MutantName[];

type Promised = string | { readonly explorer: string; readonly tlc: string };

/** The promise that each of them breaks first: one that breaks another is not what it says that it is. */
const BREAKS: Readonly<Record<MutantName, Promised>> = {
  ...{ M3: "OnlyHoldersEnd", M4: "OnlyHoldersEnd", M5: "RestingKnows", M6: "RestingKnows", M7: "RestingKnows" },
  ...{ M14: "NothingAcknowledgedIsLost", M15: "NoTheft", M16: "NobodyWaitsForItself", "no-compare": "EndsStay" },
  ...{ "no-floor": "FencesRise", "no-timer": "RestingKnows", "no-guard": "NothingHeldIsGivenBack" },
  // With it, whoever rests need not know: only the end of a behaviour says whether somebody was told. The explorer has none.
  "no-backstop": { explorer: "RestingKnows", tlc: "Answered" },
};

export function brokenBy(name: MutantName, by: "explorer" | "tlc"): string {
  const promised = BREAKS[name];
  return typeof promised === "string" ? promised : promised[by];
}

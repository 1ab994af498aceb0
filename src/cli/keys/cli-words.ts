/** What the API calls otherwise than this program does. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bForceRelease takes\b/g, "keys release takes"],
  [/\bResetRecord lets\b/g, "keys reset lets"],
  [/\bResolveOutcome\b/g, "keys resolve"],
  [/\bwith force\b/g, "with --force"],
  [/\b(IN_PROGRESS|AVAILABLE|COMPLETED|FAILED|OUTCOME_UNKNOWN|EXPIRED)\b/g, ""],
];

/** A server's refusal in the words that whoever gave the command has used. */
export function inCliWords(sentence: string): string {
  return WORDS.reduce(
    (text, [word, own]) => text.replace(word, (found) => own || found.toLowerCase().replaceAll("_", "-")),
    sentence,
  );
}

/** One change of a file: `find` is there exactly once. */
export interface Patch {
  /** From the root, with slashes. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** @throws when the text is not there, or more than once: the mutant says what is taken out, and must not guess where. */
export function applyPatch(text: string, { file, find, replace }: Patch): string {
  const parts = text.split(find);
  if (parts.length === 2) return parts.join(replace);
  const found = parts.length === 1 ? "nowhere" : `${parts.length - 1} times`;
  throw new Error(`the code has moved on: ${file} has this ${found}, and not once:\n${find}`);
}

import { shellWord } from "../shell-word.ts";

/** A record in a sentence, where the text of a key could be taken for a part of it: `"failed" (scope "charge")`. */
export function recordText({ scope, key }: { readonly scope: string; readonly key: string }): string {
  return `${quoted(key)} (scope ${quoted(scope)})`;
}

/** What a shell needs in quotes has them already. */
function quoted(text: string): string {
  const word = shellWord(text);
  return word === text ? `"${text}"` : word;
}

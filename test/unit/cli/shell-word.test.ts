import { expect, test } from "vitest";
import { shellWord } from "../../../src/cli/shell-word.ts";
import { wordsOf } from "./shell.ts";

test.each([
  ["order-17", "order-17"],
  ["a/b:c@d,e+f=g%h_i.j", "a/b:c@d,e+f=g%h_i.j"],
  ["", "''"],
  ["=zsh", "'=zsh'"],
  ["it's", "'it'\\''s'"],
  ["two words", "'two words'"],
  ['$(rm -rf ~) `x` \\ "', "'$(rm -rf ~) `x` \\ \"'"],
  ["Bücher 東京 😀", "'Bücher 東京 😀'"],
  ["\u001b[31mred", "$'\\033[31mred'"],
  ["a'b\\c\nd", "$'a\\'b\\\\c\\012d'"],
  ["\u202e9", "$'\\342\\200\\2569'"],
  ["\u0007" + "7", "$'\\0077'"],
])("%j is written %s, and a shell reads it as it was", (text, written) => {
  expect(shellWord(text)).toBe(written);
  expect(wordsOf(written)).toEqual([text]);
});

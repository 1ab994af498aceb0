import { describe, expect, test } from "vitest";
import type { Finding, Level } from "../../../../src/cli/doctor/finding.ts";

/** What is looked at, what it makes of it, and words that must stand in what is said. */
export type Row = readonly [
  what: string,
  findings: Finding | readonly Finding[],
  level: Level,
  ...words: readonly (string | RegExp)[],
];

/** Makes a test of each row, and one more that whatever is not well says what to do. */
export function expectRows(about: string, rows: readonly Row[]): void {
  describe(about, () => {
    for (const [what, found, level, ...words] of rows) {
      const findings = [found].flat();

      test(what, () => {
        expect(findings.map((finding) => finding.level)).toEqual([level]);
        const said = findings.map(({ sentence, mend }) => `${sentence} ${mend ?? ""}`).join(" ");
        for (const word of words) expect(said).toMatch(word);
      });

      test(`${what}: whatever is not well says in a sentence what to do`, () => {
        for (const { sentence, mend } of findings) {
          expect(sentence).toMatch(/[.]$|Head: \S+$/);
          if (level === "ok") expect(mend).toBeNull();
          else expect(mend).toMatch(/[.]$/);
        }
      });
    }
  });
}

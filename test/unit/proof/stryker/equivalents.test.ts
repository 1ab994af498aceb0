import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EQUIVALENTS } from "../../../../proof/stryker/equivalents.ts";

const ROOT = join(import.meta.dirname, "../../../..");

test.each(EQUIVALENTS)(
  "$line of $file is still there, as what is changed in it: $changes",
  ({ file, line, changes }) => {
    const lines = readFileSync(join(ROOT, file), "utf8").split("\n");
    expect(lines.map((each) => each.trim())).toContain(line);
    for (const what of changes) {
      const [before = ""] = what.split("  =>  ");
      expect(line).toContain(before.replace(/ …$/, ""));
    }
  },
);

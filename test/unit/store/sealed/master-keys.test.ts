import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { MASTER_KEYS_MAX, parseMasterKeys } from "../../../../src/store/sealed/master-keys.ts";
import { masterKeyLine } from "./sealing.ts";

const SECRET = "c2VjcmV0IG1hdGVyaWFsIHRoYXQgbm9ib2R5IHNlZXM=";

test("the first key is current and every key is found, whatever lies around them", () => {
  const text = `\ufeff# keys of production\r\n\r\n  2026-08 : ${SECRET}  \r\n# the one before\r\n${masterKeyLine("2025")}`;
  const parsed = parseMasterKeys(text);
  if (parsed.kind === "problems") throw new Error(parsed.problems.join(" "));
  const { current, find } = parsed.masterKeys;
  expect(current.id).toBe("2026-08");
  expect(current.secret.export().toString()).toBe("secret material that nobody sees");
  expect(find("2026-08")).toBe(current);
  expect(find("2025")?.id).toBe("2025");
  expect(find("2024")).toBeNull();
});

test.each([
  ["", ["There is no master key."]],
  ["# nothing but this\n\n", ["There is no master key."]],
  [SECRET, ["Line 1 of the master keys must be ID:BASE64."]],
  [`${SECRET}:main`, ['Line 1 of the master keys must begin with an id of 1 to 32 of a-z, 0-9 and "-".']],
  [`:${SECRET}`, ['Line 1 of the master keys must begin with an id of 1 to 32 of a-z, 0-9 and "-".']],
  [`${"a".repeat(33)}:${SECRET}`, ['Line 1 of the master keys must begin with an id of 1 to 32 of a-z, 0-9 and "-".']],
  ["main:", ["Line 1 of the master keys must have 32 bytes in base64 after the colon."]],
  ["main:c2hvcnQ=", ["Line 1 of the master keys must have 32 bytes in base64 after the colon."]],
  [
    `main:${randomBytes(33).toString("base64")}`,
    ["Line 1 of the master keys must have 32 bytes in base64 after the colon."],
  ],
  [
    `main:${"00".repeat(32)}\n\nOLD:${SECRET}\n# fine\nthird`,
    [
      "Line 1 of the master keys must have 32 bytes in base64 after the colon.",
      'Line 3 of the master keys must begin with an id of 1 to 32 of a-z, 0-9 and "-".',
      "Line 5 of the master keys must be ID:BASE64.",
    ],
  ],
  [
    `main:${SECRET}\n${masterKeyLine("old")}\nmain:${masterKeyLine("other").slice("other:".length)}`,
    ["Lines 1 and 3 of the master keys have the same id."],
  ],
  [`main:${SECRET}\nold:${SECRET}`, ["Lines 1 and 2 of the master keys hold the same key."]],
  [
    Array.from({ length: MASTER_KEYS_MAX + 1 }, (_, i) => masterKeyLine(`key-${i}`)).join("\n"),
    ["There are more than 64 master keys."],
  ],
])("a file with problems says all of them and nothing of its content: %#", (text, problems) => {
  expect(parseMasterKeys(text)).toEqual({ kind: "problems", problems });
});

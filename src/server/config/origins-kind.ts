import { textForm } from "./file-forms.ts";
import type { Kind } from "./kinds.ts";

const ORIGIN = /^https?:\/\/[^\s,/?#@*]+$/;
const EXAMPLE = "https://app.example.org or http://localhost:5173";

/** Of web pages, as browsers name them in the header Origin. */
export const origins: Kind<readonly string[]> = {
  placeholder: "LIST",
  allowed: `origins such as ${EXAMPLE}, without a path, with commas between`,
  parse(given) {
    const named = given.split(",");
    return named.every(isOrigin) ? [...new Set(named)] : undefined;
  },
  format: (value) => value.join(","),
  inFile: {
    allowed: `a list of origins such as ${EXAMPLE}, without a path`,
    schema: {
      anyOf: [
        { type: "array", items: { type: "string", pattern: ORIGIN.source }, minItems: 1, uniqueItems: true },
        { type: "string", minLength: 1 },
      ],
    },
    textOf(value) {
      if (!Array.isArray(value)) return textForm().textOf(value);
      // A comma would make two of one.
      return value.every((item) => typeof item === "string" && ORIGIN.test(item)) ? value.join(",") : undefined;
    },
    jsonOf: (text) => text.split(","),
  },
};

/** Another spelling, with the port that goes without saying, is none that a browser sends: it would never match. */
function isOrigin(value: string): boolean {
  return ORIGIN.test(value) && URL.parse(value)?.origin === value;
}

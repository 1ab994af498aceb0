import { AssertionError } from "node:assert";
import { isDeepStrictEqual } from "node:util";
import type { Json } from "./driver.ts";

/** Has at least these values. */
export function has(actual: Json, expected: Json): void {
  const wrong = Object.keys(expected).filter((name) => !isDeepStrictEqual(actual[name], expected[name]));
  if (wrong.length === 0) return;
  const message = `not as expected: ${wrong.join(", ")} of ${JSON.stringify(actual)}`;
  const shown = Object.fromEntries(wrong.map((name) => [name, actual[name]]));
  throw new AssertionError({ message, actual: shown, expected, operator: "has", stackStartFn: has });
}

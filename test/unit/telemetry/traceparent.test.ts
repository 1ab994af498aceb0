import { expect, test } from "vitest";
import { idsOf, readTraceparent, writeTraceparent } from "../../../src/telemetry/traceparent.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

test.each([
  ["sampled", `00-${TRACE}-${SPAN}-01`],
  ["not sampled", `00-${TRACE}-${SPAN}-00`],
  ["with flags of later", `00-${TRACE}-${SPAN}-ff`],
])("a traceparent that is %s is taken as it is, and written the same", (_, header) => {
  expect(readTraceparent(header)).toBe(header);
  expect(writeTraceparent(idsOf(header))).toBe(header);
});

test.each([
  ["nothing", undefined],
  ["empty", ""],
  ["of another version", `01-${TRACE}-${SPAN}-01`],
  ["of the forbidden version", `ff-${TRACE}-${SPAN}-01`],
  ["longer", `00-${TRACE}-${SPAN}-01-more`],
  ["shorter", `00-${TRACE}-${SPAN}-0`],
  ["in upper case", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ["no hex", `00-${"g".repeat(32)}-${SPAN}-01`],
  ["without a trace", `00-${"0".repeat(32)}-${SPAN}-01`],
  ["without a span", `00-${TRACE}-${"0".repeat(16)}-01`],
  ["in spaces", ` 00-${TRACE}-${SPAN}-01`],
  ["before a line's end", `00-${TRACE}-${SPAN}-01\n`],
  ["sent twice", `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
  ["another text of the same length", "x".repeat(55)],
])("one that is %s is none", (_, header) => {
  expect(readTraceparent(header)).toBeNull();
});

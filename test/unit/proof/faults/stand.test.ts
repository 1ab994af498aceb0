import { expect, test } from "vitest";
import { samplesOf, sumOf } from "../../../../proof/faults/stand/metrics.ts";
import { mishapsOf } from "../../../../proof/faults/stand/mishaps.ts";

const PAGE = `# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{code="OK",method="Claim"} 3
calls_total{code="OK",method="Fail"} 4
calls_total{code="a \\"quoted\\" one",method="Claim"} 0.5
up 1
`;

test("samples of a page of metrics are summed by name and labels", () => {
  const samples = samplesOf(PAGE);
  expect(samples).toHaveLength(4);
  expect(sumOf(samples, "calls_total")).toBe(7.5);
  expect(sumOf(samples, "calls_total", { method: "Claim" })).toBe(3.5);
  expect(sumOf(samples, "calls_total", { method: "Claim", code: "OK" })).toBe(3);
  expect(sumOf(samples, "up")).toBe(1);
  expect(sumOf(samples, "down")).toBe(0);
});

const server = (
  lines: readonly Readonly<Record<string, unknown> & { level: string; message: string }>[],
  stderr = "",
) => ({
  lines,
  stderr: () => stderr,
});

test.each([
  [{ level: "error", message: "call failed", reason: "INTERNAL" }],
  [{ level: "error", message: "call failed", error: { message: "bug: two of one" } }],
  [{ level: "error", message: "ended by an error that nothing has caught", origin: "unhandledRejection" }],
  [{ level: "error", message: "ended by force: stopping took too long" }],
])("%j is a mishap", (line) => {
  expect(mishapsOf("s1", server([line]))).toEqual([`s1: ${JSON.stringify(line)}`]);
});

test.each([
  [{ level: "error", message: "the database does not answer" }],
  [{ level: "warn", message: "call failed", reason: "STORE_UNAVAILABLE" }],
  [{ level: "info", message: "listening" }],
])("%j is what a fault of its surroundings makes a server say", (line) => {
  expect(mishapsOf("s1", server([line]))).toEqual([]);
});

test("whatever goes to standard error is a mishap", () => {
  expect(mishapsOf("s1", server([], "(node:1) Warning: possible memory leak\n"))).toEqual([
    "s1: (node:1) Warning: possible memory leak",
  ]);
});

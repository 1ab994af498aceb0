import { expect, test } from "vitest";
import { ARMS } from "../../../bench/arms.ts";
import { GOAL_IDS, goal, unmeasuredOf } from "../../../bench/goals.ts";
import type { Section } from "../../../bench/report.ts";

const section = (id: string, figures: Readonly<Record<string, number>>): Section => ({
  ...{ id, title: id, how: "" },
  figures: Object.entries(figures).map(([figure, median]) => ({
    ...{ id: figure, what: figure, unit: "×", target: { atLeast: 1 } },
    spread: { min: median, median, max: median },
  })),
});

const SHORT = ARMS.filter(({ usualSeconds }) => usualSeconds !== null).map(({ id }) => id);
const ALL = ARMS.map(({ id }) => id);
const idsOf = (unmeasured: ReturnType<typeof unmeasuredOf>) => unmeasured.map(({ id }) => id);

test("every target is of an arm that there is", () => {
  for (const id of GOAL_IDS) expect(ALL).toContain(id.split("/")[0]);
  expect(goal("latency/p99-to-p50")).toEqual({ atMost: 5 });
});

test("a run that measured nothing names every target that it was to measure", () => {
  const nothing = { sections: [], full: false };
  const unmeasured = unmeasuredOf(nothing, SHORT, true);
  const missing = unmeasured.filter(({ isMissing }) => isMissing);
  expect(idsOf(missing)).toContain("growth/pairs-300000-rate-ratio");
  expect(unmeasured.filter(({ isMissing }) => !isMissing).map(({ why }) => why)).toContain("only with --full");
  const full = idsOf(unmeasuredOf({ ...nothing, full: true }, ALL, true));
  expect(full).toContain("growth/pairs-10000000-rate-ratio");
  expect(full).toContain("steady/rss-rise");
  expect(full).not.toContain("growth/pairs-300000-rate-ratio");
});

test("of arms that somebody chose only their own targets are missing", () => {
  expect(unmeasuredOf({ sections: [], full: false }, ["pairs"], false)).toEqual([]);
  expect(idsOf(unmeasuredOf({ sections: [], full: false }, ["replay"], false))).toEqual([
    "replay/unary-to-echo",
    "replay/session-to-unary",
  ]);
});

test("it says whether an arm failed, was left out, or has no such figure", () => {
  const run = {
    sections: [section("replay", { "unary-to-echo": 0.9 }), section("latency", { "p99-to-p50": Number.NaN })],
    full: false,
    leftOut: ["memory"],
    failed: [{ id: "wake-up", why: "boom" }],
  };
  const unmeasured = unmeasuredOf(run, ["replay", "latency", "memory", "wake-up"], false);
  const whyOf = (id: string) => unmeasured.find((each) => each.id === id)?.why;
  expect(whyOf("replay/unary-to-echo")).toBeUndefined();
  expect(whyOf("replay/session-to-unary")).toBe("replay has no figure of it");
  expect(whyOf("latency/p99-to-p50")).toBe("latency has no figure of it");
  expect(whyOf("memory/claims")).toBe("there was no time for memory");
  expect(whyOf("wake-up/other-10000-reads")).toBe("wake-up failed");
});

test("a figure of another arm with a target and no value is told too", () => {
  const run = { sections: [section("idle", { memory: Number.NaN })], full: true };
  expect(unmeasuredOf(run, ["idle"], false)).toEqual([
    { id: "idle/memory", what: "memory", target: { atLeast: 1 }, why: "no value", isMissing: true },
  ]);
});

import { expect, test } from "vitest";
import { readVerdict, TESTS_MIN } from "../../../../proof/hostile/h2spec/verdict.ts";

const passed = (i: number) => `<testcase package="http2/6.7" classname="test ${i}" time="0.01"></testcase>`;
const FAILED =
  '<testcase package="http2/6.3" classname="PRIORITY on 0" time="2"><failure>\nGOAWAY\n</failure></testcase>';
const SKIPPED = '<testcase package="http2/5.1" classname="large" time="0"><skipped></skipped></testcase>';
const report = (...cases: readonly string[]) => `<testsuites><testsuite>${cases.join("\n")}</testsuite></testsuites>`;
const most = Array.from({ length: TESTS_MIN - 1 }, (_, i) => passed(i));

test("a report is counted, and each test that failed has its section and name", () => {
  expect(readVerdict(report(...most, FAILED, SKIPPED), "the gRPC port")).toEqual({
    ...{ tests: TESTS_MIN + 1, skipped: 1, failed: ["http2/6.3: PRIORITY on 0"] },
  });
});

test.each([
  ["of no test", "<testsuites></testsuites>", 0],
  ["that is empty", "", 0],
  ["of too few", report(...most), TESTS_MIN - 1],
  ["of which the rest was skipped", report(...most, SKIPPED), TESTS_MIN - 1],
])("a report %s shows nothing", (_which, xml, run) => {
  const why = `it ran ${run} tests against the gRPC port, and at least ${TESTS_MIN} must be`;
  expect(() => readVerdict(xml, "the gRPC port")).toThrow(new Error(why));
});

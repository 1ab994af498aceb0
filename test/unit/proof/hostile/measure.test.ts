import { describe, expect, test } from "vitest";
import { createTally, unshownOf } from "../../../../proof/hostile/frames/attack.ts";
import { ATTACKS } from "../../../../proof/hostile/frames/attacks.ts";
import { brokenAtTheEnd, brokenOf, type PartReport } from "../../../../proof/hostile/measure.ts";
import { unshownOf as unshownMessages } from "../../../../proof/hostile/messages/run.ts";

type Held = Omit<PartReport, "broken">;

const HELD: Held = {
  ...{ name: "gzip-bombs", what: "small messages", seed: 1, runs: 10, seconds: 10, outcomes: {}, warnings: {} },
  ...{ findings: [], faults: { exit: null, bugs: [], errors: [] }, heap: { before: 42, after: 42 } },
  honest: {
    ...{ calls: 360, failed: 0, failures: [], p99Ms: 100 },
    served: { gRPC: 120, "Connect JSON": 120, Session: 120 },
    success: { gRPC: 1, "Connect JSON": 1, Session: 1 },
  },
  rss: { start: 110, before: 150, peak: 300, after: 155, mostAfter: 210 },
};
const brokenWith = (change: Partial<Held>) => brokenOf({ ...HELD, ...change }, true);

test("a part of which every bound holds breaks none", () => {
  expect(brokenOf(HELD, true)).toEqual([]);
});

describe("the honest client", () => {
  test("is to be served on each way, at a rate that a server that hardly answers does not reach", () => {
    const served = { ...HELD.honest.served, Session: 4 };
    expect(brokenWith({ honest: { ...HELD.honest, served } })).toEqual([
      "only 4 honest calls over Session succeeded; at least 5 must",
    ]);
  });

  test("is to be served once at least in a part that is over in no time", () => {
    const honest = { ...HELD.honest, served: { ...HELD.honest.served, gRPC: 0 }, success: HELD.honest.success };
    expect(brokenWith({ seconds: 0.1, honest })).toEqual(["only 0 honest calls over gRPC succeeded; at least 1 must"]);
  });

  test("is to succeed on each way by itself", () => {
    const success = { ...HELD.honest.success, gRPC: 0.98 };
    expect(brokenWith({ honest: { ...HELD.honest, success } })).toEqual([
      "of the honest calls over gRPC 98.0 % succeeded",
    ]);
  });
});

describe("memory", () => {
  test("is held against what it was before the part", () => {
    expect(brokenWith({ rss: { ...HELD.rss, after: 166 } })).toEqual(["memory is 110.7 % of what it was, 60 s after"]);
  });

  test("and against what it was before anything was sent, or each part could add its tenth", () => {
    expect(brokenWith({ rss: { ...HELD.rss, before: 210, after: 212 } })).toEqual([
      "the server has 102 MiB more than before anything was sent to it, and may have 100 MiB more",
    ]);
  });

  test("is looked at once more when all is over", () => {
    const report = { parts: [{ ...HELD, broken: [] }], rss: { start: 110, end: 210 } };
    expect(brokenAtTheEnd(report)).toEqual([]);
    expect(brokenAtTheEnd({ ...report, rss: { start: 110, end: 211 } })).toEqual([
      "the server has 101 MiB more than before anything was sent to it, and may have 100 MiB more",
    ]);
  });

  test("is not judged in runs of seconds", () => {
    expect(brokenOf({ ...HELD, rss: { ...HELD.rss, after: 500 } }, false)).toEqual([]);
  });
});

describe("nothing is shown by", () => {
  const attack = (name: string) => {
    const found = ATTACKS.find((each) => each.name === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  };

  test("an attack that opened no connection", () => {
    for (const each of ATTACKS)
      expect(unshownOf(each, createTally())).toEqual([expect.stringMatching(/no connection/)]);
    expect(unshownOf(attack("rapid-reset"), { ...createTally(), connections: 1 })).toEqual([]);
  });

  test("bombs that nobody has waited for", () => {
    const tally = { ...createTally(), connections: 400 };
    expect(unshownOf(attack("gzip-bombs"), tally)).toEqual(["no call was answered: nothing was shown"]);
    expect(unshownOf(attack("gzip-bombs"), { ...tally, answers: 1 })).toEqual([]);
  });

  test("messages of which none, or too few, were sent", () => {
    expect(unshownMessages({ runs: 0, outcomes: {} })).toEqual(["no message was sent: nothing was shown"]);
    const outcomes = (unsent: number) => ({ "gRPC OK": 1000, "gRPC not sent": 1, "Session not sent": unsent - 1 });
    expect(unshownMessages({ runs: 1000, outcomes: outcomes(10) })).toEqual([]);
    expect(unshownMessages({ runs: 1000, outcomes: outcomes(11) })).toEqual([
      "1.1 % of the messages were not sent, and at most 1.0 % may be",
    ]);
  });
});

import { describe, expect, test } from "vitest";
import { reportOf, reportText } from "../../../src/cli/bench/report.ts";
import { type BenchOptions, runBench } from "../../../src/cli/bench/run.ts";
import type { Rpc } from "../../../src/client/client.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { bundle, methods } from "../rpc/bundle.ts";
import { commandStand, ender, runWith } from "./keys/stand.ts";

const OPTIONS: BenchOptions = {
  ...{ mode: "pairs", transport: "unary", concurrency: 2 },
  ...{ durationMs: 100, scope: "bench" },
};

/** Every call takes 2 ms of a clock that stands still otherwise. */
function slowRecords() {
  const own = bundle();
  let nowMs = 0;
  const send = (method: typeof methods.claim | typeof methods.complete) => async (request: object) => {
    nowMs += 2;
    return own.call(method as never, request as never);
  };
  const records = { claim: send(methods.claim), complete: send(methods.complete) } as unknown as Rpc;
  const clock = {
    monotonicMs: () => nowMs,
    async sleep(ms: number) {
      nowMs += ms;
    },
    async turn() {},
  };
  return { own, records, clock, signal: new AbortController().signal, onProgress: () => {} };
}

describe("a run", () => {
  test("counts pairs, and how long each call took", async () => {
    const result = await runBench(OPTIONS, slowRecords());
    const { roundsPerSecond, claim, complete, errors, rounds } = reportOf(OPTIONS, result);
    expect(rounds).toBeGreaterThan(10);
    expect(roundsPerSecond).toBe(Math.round((rounds / result.elapsedMs) * 1000));
    expect(claim.p50Ms).toBeGreaterThanOrEqual(2);
    expect(complete?.maxMs).toBeGreaterThanOrEqual(complete?.p50Ms ?? 0);
    expect(errors).toEqual({});
    expect(result.latencies.claim.count).toBe(rounds);
  });

  test("of replays completes one record for each caller, and claims it again and again", async () => {
    const deps = slowRecords();
    const options = { ...OPTIONS, mode: "replays" } as const;
    const report = reportOf(options, await runBench(options, deps));
    expect(report.rounds).toBeGreaterThan(10);
    expect(report).not.toHaveProperty("complete");
    expect(reportText(report)).toMatch(/^\d+ replays in [\d.]+ s by 2 callers: \d+ a second\n\nCALL {3}P50 MS/);
  });

  test("counts what fails by why, pauses after it, and goes on", async () => {
    const deps = slowRecords();
    const { claim } = deps.records;
    let calls = 0;
    const records = {
      ...deps.records,
      claim: (async (request: never) => {
        if (++calls > 3) throw new Fault("OVERLOADED", "too much");
        return claim(request);
      }) as unknown as Rpc["claim"],
    };
    const result = await runBench({ ...OPTIONS, durationMs: 1000 }, { ...deps, records });
    expect([...result.errors.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(20);
    expect(reportText(reportOf(OPTIONS, result))).toMatch(/\nERROR +TIMES\n.* +\d+\n$/);
  });

  test("with a first call that fails is none", async () => {
    const deps = slowRecords();
    const records = {
      ...deps.records,
      claim: (async () => Promise.reject(new Error("no"))) as unknown as Rpc["claim"],
    };
    await expect(runBench(OPTIONS, { ...deps, records })).rejects.toThrow("no");
  });
});

describe("the command", () => {
  test("prints what it has when it is interrupted, and ends with 130", async () => {
    const { onEnding, end } = ender();
    let calls = 0;
    await using stand = await commandStand({
      before: () => {
        if (++calls === 50) end("SIGINT");
      },
    });
    const { code, out, error } = await stand.run(["bench", "--duration", "10m", "--output", "json"], { onEnding });
    expect(code).toBe(130);
    expect(JSON.parse(out)).toMatchObject({ mode: "pairs", transport: "unary", concurrency: 16, errors: {} });
    expect(error).toBe("Its records, of scope holdfast-bench, stay in the database for a minute.\n");
  });

  test("goes over a session where that is asked for, as far as the server has any, and says so", async () => {
    const { onEnding, end } = ender();
    let calls = 0;
    await using stand = await commandStand({
      before: () => {
        if (++calls === 50) end("SIGINT");
      },
    });
    const { out } = await stand.run(["bench", "--transport", "session", "--duration", "10m"], { onEnding });
    expect(out).toMatch(/^\d+ pairs in [\d.]+ s by 16 callers on one session: \d+ a second\n/);
  });

  test.each([
    ["--transport http", /--transport must be one of unary, session\n/],
    ["--concurrency 0", /--concurrency must be a whole number from 1 to 1000\n/],
    ["--duration 0", /--duration must be a time from 1s to 10m/],
    ["--mode both", /--mode must be one of pairs, replays\n/],
    ["--scop x", /unknown flag "--scop" of "holdfast bench": did you mean --scope\?/],
    ["now", /"holdfast bench" does not take "now"/],
  ])("does not understand %s", async (line, expected) => {
    const { code, out, error } = await runWith(["bench", ...line.split(" ")]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(error).toMatch(expected);
  });

  test("says that no server is there", async () => {
    expect(await runWith(["bench", "--server", "127.0.0.1:1"])).toMatchObject({
      ...{ code: 3, out: "" },
      error: expect.stringContaining("nothing listens there"),
    });
  });
});

import { expect, test } from "vitest";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { Fault, type FaultCode } from "../../../src/domain/fault.ts";
import type { CallContext } from "../../../src/rpc/endpoint.ts";
import { silentRpcObserver } from "../../../src/rpc/observer.ts";
import { toRpcError } from "../../../src/rpc/status.ts";
import { logCalls } from "../../../src/server/call-log.ts";
import type { Log, LogFields } from "../../../src/telemetry/log.ts";
import { createManualClock } from "../store/manual-clock.ts";

const { claim } = IdempotencyService.method;

function setUp(debug = false) {
  const lines: { level: string; fields: LogFields }[] = [];
  const write = (level: string) => (fields: LogFields) => void lines.push({ level, fields });
  const log: Log = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    isLevelEnabled: () => debug,
  };
  const clock = createManualClock();
  const handled: number[] = [];
  const metrics = { ...silentRpcObserver, handled: (_method: unknown, code: number) => void handled.push(code) };
  const observer = logCalls(metrics, { log, clock });
  const context: CallContext = {
    requestId: "the-request",
    deadline: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    retiring: new AbortController().signal,
    answered: async () => true,
    metadata: () => undefined,
    certificate: () => null,
    transport: "grpc",
  };
  const fail = (thrown: unknown) => {
    const error = toRpcError(thrown, context, () => 0);
    observer.handled(claim, error.code, 0.001, context, error);
  };
  const bug = toRpcError(new Error("bug"), context, () => 0);
  return {
    ...{ lines, clock, handled, fail, observer, context, bug },
    succeed: () => observer.handled(claim, 0, 0.001, context),
  };
}

test("a bug is logged as an error under the request id that the caller was given", () => {
  const { lines, fail } = setUp();
  const bug = new Error("bug: impossible");
  fail(bug);
  expect(lines).toEqual([
    { level: "error", fields: expect.objectContaining({ requestId: "the-request", reason: "INTERNAL", error: bug }) },
  ]);
});

test.each<FaultCode>(["FIELD_INVALID", "LEASE_SUPERSEDED", "RECORD_NOT_FOUND", "DRAINING", "CANCELLED"])(
  "%s is the caller's affair and is not logged",
  (code) => {
    const { lines, fail } = setUp();
    fail(new Fault(code, "no"));
    expect(lines).toEqual([]);
  },
);

test("a database that is down is told once a second for each method, with the number of calls left out", async () => {
  const { lines, clock, fail } = setUp();
  for (let i = 0; i < 1000; i++) fail(new Fault("STORE_UNAVAILABLE", "down"));
  expect(lines.map(({ level, fields }) => [level, fields["unlogged"]])).toEqual([["warn", 0]]);
  await clock.advance(1000);
  fail(new Fault("STORE_UNAVAILABLE", "down"));
  expect(lines.map(({ fields }) => fields["unlogged"])).toEqual([0, 999]);
});

test("bugs are never left out", () => {
  const { lines, fail } = setUp();
  for (let i = 0; i < 3; i++) fail(new Error("bug"));
  expect(lines).toHaveLength(3);
});

test("calls are lines of debug, and otherwise cost nothing", () => {
  const loud = setUp(true);
  loud.succeed();
  loud.fail(new Fault("FIELD_INVALID", "no"));
  expect(loud.lines.map(({ level, fields }) => [level, fields["code"], fields["reason"]])).toEqual([
    ["debug", 0, undefined],
    ["debug", 3, "FIELD_INVALID"],
  ]);
  const quiet = setUp(false);
  quiet.succeed();
  expect(quiet.lines).toEqual([]);
});

test("a call's line has the id of its trace, whether it failed or not, and none without one", () => {
  const { lines, observer, context, bug } = setUp(true);
  observer.handled(claim, 0, 0.001, context, undefined, { traceId: "4bf92f35" });
  observer.handled(claim, 13, 0.001, context, bug, { traceId: "4bf92f35" });
  observer.handled(claim, 0, 0.001, context, undefined, { traceId: null });
  expect(lines.map(({ fields }) => fields["trace_id"])).toEqual(["4bf92f35", "4bf92f35", undefined]);
  expect(Object.keys(lines[2]?.fields ?? {})).not.toContain("trace_id");
});

test("everything goes on to the metrics", () => {
  const { handled, fail, succeed } = setUp();
  succeed();
  fail(new Error("bug"));
  expect(handled).toEqual([0, 13]);
});

import { describe, expect, test } from "vitest";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { FaultCode } from "../../../src/domain/fault.ts";
import { WIRE } from "../../../src/rpc/status.ts";
import { createCallKinds } from "../../../src/store/postgres/call-kinds.ts";
import { createServerTime } from "../../../src/store/postgres/server-time.ts";
import type { CounterSpec, GaugeSpec } from "../../../src/telemetry/metric-spec.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { createRpcMetrics } from "../../../src/telemetry/rpc-metrics.ts";
import { createStoreMetrics } from "../../../src/telemetry/store-metrics.ts";
import { createManualClock } from "../store/manual-clock.ts";

const { method, methods } = IdempotencyService;
const CLAIM = 'grpc_type="unary",grpc_service="holdfast.v1.IdempotencyService",grpc_method="Claim"';

function setUp() {
  const metrics = createMetrics({ ofProcess: false });
  const calls = createRpcMetrics(metrics, methods);
  const store = createStoreMetrics(metrics);
  /** The series that are not 0, without buckets. */
  const risen = async () =>
    (await metrics.page()).split("\n").filter((line) => !/^#|_bucket|_age_seconds|^$| 0$/.test(line));
  return { metrics, calls, store, risen };
}

describe("calls", () => {
  test("every series of every method stands at 0 before the first call", async () => {
    const { metrics, risen } = setUp();
    expect(await risen()).toEqual([]);
    const page = await metrics.page();
    for (const { name } of methods) {
      expect(page.match(new RegExp(`grpc_server_handled_total\\{.*grpc_method="${name}"`, "g"))).toHaveLength(17);
    }
    expect(page).toContain(
      'grpc_type="server_stream",grpc_service="holdfast.v1.IdempotencyService",grpc_method="WaitFor"',
    );
  });

  test("every end stands at 0 before the first, whether it is the first or a repetition", async () => {
    const page = await setUp().metrics.page();
    expect(page.match(/^holdfast_ends_total\{.*already_applied="true".* 0$/gm)).toHaveLength(10);
    expect(page.match(/^holdfast_ends_total\{.* 0$/gm)).toHaveLength(20);
  });

  test("a call that was answered is started, received, sent and handled once", async () => {
    const { calls, risen } = setUp();
    calls.started(method.claim);
    calls.handled(method.claim, 0, 0.25);
    expect(await risen()).toEqual([
      `grpc_server_started_total{${CLAIM}} 1`,
      `grpc_server_handled_total{${CLAIM},grpc_code="OK"} 1`,
      `grpc_server_msg_received_total{${CLAIM}} 1`,
      `grpc_server_msg_sent_total{${CLAIM}} 1`,
      `grpc_server_handling_seconds_sum{${CLAIM}} 0.25`,
      `grpc_server_handling_seconds_count{${CLAIM}} 1`,
    ]);
  });

  test("a call that failed sent no message, and its code is written as dashboards expect", async () => {
    const { calls, risen } = setUp();
    calls.started(method.claim);
    calls.handled(method.claim, 9, 0.25);
    const lines = await risen();
    expect(lines).toContain(`grpc_server_handled_total{${CLAIM},grpc_code="FailedPrecondition"} 1`);
    expect(lines.filter((line) => line.includes("msg_sent"))).toEqual([]);
  });

  test("a scrape takes nothing away", async () => {
    const { calls, risen } = setUp();
    calls.started(method.claim);
    expect(await risen()).toEqual(await risen());
  });

  test("claims are counted by outcome, acquires by reason, ends by kind", async () => {
    const { calls, risen } = setUp();
    calls.claimed("acquired", "takeover");
    calls.claimed("in-progress", null);
    calls.ended("complete", false, true);
    expect(await risen()).toEqual([
      'holdfast_claims_total{outcome="acquired"} 1',
      'holdfast_claims_total{outcome="in-progress"} 1',
      'holdfast_acquires_total{reason="takeover"} 1',
      'holdfast_ends_total{kind="complete",already_applied="false",late="true"} 1',
    ]);
  });

  test("refusals are counted by the reason that the caller was told, from 0 on, with whose they are", async () => {
    const { metrics, calls, risen } = setUp();
    const reasons = Object.keys(WIRE) as FaultCode[];
    const page = await metrics.page();
    for (const reason of reasons)
      expect(page).toMatch(new RegExp(`^holdfast_refusals_total{reason="${reason}".* 0$`, "m"));
    expect(page.match(/^holdfast_refusals_total/gm)).toHaveLength(reasons.length);
    const fail = (reason: FaultCode) => calls.handled(method.claim, WIRE[reason].code, 0, null, { reason });
    for (const reason of ["QUOTA_LEASES", "STORE_UNAVAILABLE", "DRAINING", "LEASE_SUPERSEDED"] as const) fail(reason);
    fail("LEASE_SUPERSEDED");
    calls.handled(method.claim, 0, 0);
    expect((await risen()).filter((line) => line.includes("refusals"))).toEqual([
      'holdfast_refusals_total{reason="STORE_UNAVAILABLE",blame="server"} 1',
      'holdfast_refusals_total{reason="DRAINING",blame="nobody"} 1',
      'holdfast_refusals_total{reason="LEASE_SUPERSEDED",blame="caller"} 2',
      'holdfast_refusals_total{reason="QUOTA_LEASES",blame="caller"} 1',
    ]);
  });

  test("what the same call can help against later is not blamed on the caller, but for quotas and his validator", async () => {
    const page = await setUp().metrics.page();
    const later = Object.entries(WIRE).filter(([, wire]) => wire.retryAfterMs !== null);
    const blamed = later
      .map(([reason]) => reason)
      .filter((reason) => page.includes(`reason="${reason}",blame="caller"`));
    expect(blamed.filter((reason) => !/^QUOTA_|^VALIDATION_/.test(reason))).toEqual([]);
  });

  test("a method that was not announced is not counted, and harms nothing", () => {
    const { calls } = setUp();
    const other = { name: "Other", methodKind: "unary", parent: { typeName: "other.Service" } };
    calls.started(other);
    calls.handled(other, 0, 1);
  });
});

describe("the store", () => {
  test("every series of every statement but its retries stands at 0 before the first batch", async () => {
    const page = await setUp().metrics.page();
    for (const { name } of Object.values(
      createCallKinds(createServerTime({ clock: createManualClock(), asOf: () => null })),
    )) {
      expect(page).toContain(`holdfast_shed_total{statement="${name}"} 0`);
      expect(page).toContain(`holdfast_batch_rows_count{statement="${name}"} 0`);
      expect(page).toContain(`holdfast_queue_wait_seconds_count{statement="${name}"} 0`);
      expect(page).toContain(`holdfast_statement_seconds_count{statement="${name}"} 0`);
      expect(page).toContain(`holdfast_statement_errors_total{statement="${name}"} 0`);
    }
  });

  test("batches, statements, retries, undecided calls and sheds are told by statement", async () => {
    const { store, risen } = setUp();
    store.batchSent("claim", 64, 2);
    store.statementDone("claim", 5, "ok");
    store.statementDone("purge", 250, "error");
    store.retried("claim", "40P01");
    store.undecided("claim");
    store.shed("finish");
    expect(await risen()).toEqual([
      'holdfast_batch_rows_sum{statement="claim"} 64',
      'holdfast_batch_rows_count{statement="claim"} 1',
      'holdfast_queue_wait_seconds_sum{statement="claim"} 0.002',
      'holdfast_queue_wait_seconds_count{statement="claim"} 1',
      'holdfast_statement_seconds_sum{statement="claim"} 0.005',
      'holdfast_statement_seconds_count{statement="claim"} 1',
      'holdfast_statement_seconds_sum{statement="purge"} 0.25',
      'holdfast_statement_seconds_count{statement="purge"} 1',
      'holdfast_statement_errors_total{statement="purge"} 1',
      'holdfast_store_retries_total{statement="claim",cause="40P01"} 1',
      'holdfast_undecided_total{statement="claim"} 1',
      'holdfast_shed_total{statement="finish"} 1',
    ]);
  });

  test("the sweeper's work is added up", async () => {
    const { store, metrics } = setUp();
    store.swept({ forgotten: 3, abandoned: 0, emptied: 2, settled: 1, round: null }, 20);
    store.swept({ forgotten: 1, abandoned: 0, emptied: 0, settled: 0, round: null }, 20);
    store.clockStepped(90_000);
    const page = await metrics.page();
    expect(page).toContain('holdfast_swept_records_total{action="forgotten"} 4');
    expect(page).toContain('holdfast_swept_records_total{action="abandoned"} 0');
    expect(page).toContain("holdfast_sweep_seconds_count 2");
    expect(page).toContain("holdfast_clock_steps_total 1");
  });
});

const DEPTH = {
  ...{ kind: "gauge", name: "test_depth", unit: "m", help: "Of the water.", advice: "" },
  labels: { place: "a name" },
} as const satisfies GaugeSpec;
const TIDE = { ...DEPTH, name: "test_tide", labels: {} } as const satisfies GaugeSpec;

describe("gauges", () => {
  test("are read at each scrape, one series for each set of label values", async () => {
    const { metrics } = setUp();
    const depth = { north: 1, south: 2 };
    for (const place of ["north", "south"] as const) metrics.gauge(DEPTH, () => depth[place], { place });
    metrics.gauge(TIDE, () => 7);
    depth.south = 3;
    const page = await metrics.page();
    expect(page.match(/^test_.*$/gm)).toEqual([
      'test_depth{place="north"} 1',
      'test_depth{place="south"} 3',
      "test_tide 7",
    ]);
    expect(page.match(/^# TYPE test_depth/gm)).toHaveLength(1);
  });

  test("of which nothing is known now have no series, and have one again when something is", async () => {
    const { metrics } = setUp();
    const depth: { north: number | null; south: number | null } = { north: null, south: 2 };
    for (const place of ["north", "south"] as const) metrics.gauge(DEPTH, () => depth[place], { place });
    let tide: number | null = null;
    metrics.gauge(TIDE, () => tide);
    const series = async () => (await metrics.page()).match(/^test_.*$/gm);
    expect(await series()).toEqual(['test_depth{place="south"} 2']);
    [depth.north, depth.south, tide] = [1, null, 7];
    expect(await series()).toEqual(['test_depth{place="north"} 1', "test_tide 7"]);
    [depth.north, tide] = [null, null];
    expect(await series()).toBe(null);
  });

  test("the same series twice is a bug, not a series that lies", () => {
    const { metrics } = setUp();
    metrics.gauge(DEPTH, () => 1, { place: "north" });
    expect(() => metrics.gauge(DEPTH, () => 2, { place: "north" })).toThrow("bug:");
  });
});

describe("the series of a counter", () => {
  const spec = { ...DEPTH, kind: "counter", name: "test_total" } as const;
  const series = async (counter: CounterSpec) => {
    const { metrics } = setUp();
    metrics.counter(counter);
    return (await metrics.page()).match(/^test_total.*$/gm);
  };

  test("are all combinations of the values of its labels, at 0 from the start", async () => {
    expect(await series({ ...spec, labels: { a: ["1", "2"], b: ["x", "y"] } })).toEqual([
      'test_total{a="1",b="x"} 0',
      'test_total{a="1",b="y"} 0',
      'test_total{a="2",b="x"} 0',
      'test_total{a="2",b="y"} 0',
    ]);
  });

  test("are those that there are, where not all values go together", async () => {
    const labels = { a: ["1", "2"], b: ["x", "y"] };
    expect(await series({ ...spec, labels, series: [["1", "y"]] })).toEqual(['test_total{a="1",b="y"} 0']);
  });

  test("begin with the first rise where the values of a label cannot be listed", async () => {
    expect(await series({ ...spec, labels: { a: ["1"], b: "a word" } })).toBe(null);
  });
});

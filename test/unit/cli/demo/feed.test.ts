import { createHistogram } from "node:perf_hooks";
import { expect, test } from "vitest";
import type { ChaosPlan } from "../../../../src/cli/demo/chaos.ts";
import type { Delivery } from "../../../../src/cli/demo/delivery-log.ts";
import { createFeed, type Feed, type FeedDeps } from "../../../../src/cli/demo/feed.ts";
import type { Order } from "../../../../src/cli/demo/messages.ts";
import { createRandom } from "../../../../src/cli/demo/random.ts";
import { createTally } from "../../../../src/cli/demo/report.ts";
import { REACQUIRED } from "./event-world.ts";

const NO_CHAOS: ChaosPlan = { aimed: [], workers: [], servers: [] };

const deliveries = (...ids: string[]): readonly Delivery[] =>
  ids.map((id, index) => ({ line: index + 1, id, type: "t", payload: null }));

/** A feed whose workers are played by the test. `sent` holds the lines that each was sent, oldest first. */
function openFeed(log: readonly Delivery[], but: Partial<FeedDeps> = {}) {
  const sent: { readonly worker: number; readonly order: Order }[] = [];
  const killed: (number | "server")[] = [];
  const tally = createTally();
  const claims = createHistogram();
  const wakes = createHistogram();
  const feed: Feed = createFeed({
    deliveries: log,
    plan: NO_CHAOS,
    random: createRandom("feed"),
    window: 2,
    tally,
    claims,
    wakes,
    reconcile: async () => true,
    send: (worker, order) => sent.push({ worker, order }),
    killWorker: (worker) => killed.push(worker),
    killServer: () => killed.push("server"),
    note: () => {},
    ...but,
  });
  const lines = (worker: number) => sent.filter((one) => one.worker === worker).map((one) => one.order.delivery.line);
  return { feed, sent, killed, tally, claims, wakes, lines };
}

test("the next delivery goes to the worker that has least, so that two copies in a row are handled by two", () => {
  const { feed, lines } = openFeed(deliveries("a", "b", "c", "d", "e", "e"));
  feed.report(0, { kind: "ready" });
  feed.report(1, { kind: "ready" });
  expect([lines(0), lines(1)]).toEqual([
    [1, 2],
    [3, 4],
  ]);
  feed.report(1, { kind: "handled", line: 3, outcome: "charged" });
  feed.report(0, { kind: "handled", line: 1, outcome: "charged" });
  expect([lines(0), lines(1)]).toEqual([
    [1, 2, 6],
    [3, 4, 5],
  ]);
});

test("nobody gets more than the window before having answered", () => {
  const { feed, lines } = openFeed(deliveries("a", "b", "c"));
  feed.report(0, { kind: "ready" });
  expect(lines(0)).toEqual([1, 2]);
  feed.report(0, { kind: "handled", line: 2, outcome: "charged" });
  expect(lines(0)).toEqual([1, 2, 3]);
});

test("it is finished when every delivery was answered, and counts the answers", async () => {
  const { feed, tally } = openFeed(deliveries("a", "a", "a"), { window: 3 });
  feed.report(0, { kind: "ready" });
  feed.report(0, { kind: "handled", line: 1, outcome: "charged" });
  feed.report(0, { kind: "handled", line: 2, outcome: "replayed" });
  feed.report(0, { kind: "handled", line: 3, outcome: "mismatch" });
  await feed.finished;
  expect(tally).toMatchObject({ replays: 1, mismatches: 1, workersKilled: 0 });
  expect(feed.moment()).toMatchObject({ acknowledged: 3, deliveries: 3, charged: 1 });
});

test("what a killed worker had goes to the others, and nothing goes to it before it is back", () => {
  const { feed, tally, lines } = openFeed(deliveries("a", "b", "c", "d"));
  feed.report(0, { kind: "ready" });
  feed.report(1, { kind: "ready" });
  feed.workerKilled(0);
  expect(tally.workersKilled).toBe(1);
  feed.report(1, { kind: "handled", line: 3, outcome: "charged" });
  feed.report(1, { kind: "handled", line: 4, outcome: "charged" });
  expect([lines(0), lines(1)]).toEqual([
    [1, 2],
    [3, 4, 1, 2],
  ]);
});

test("a delivery that was not handled is delivered again", () => {
  const { feed, lines } = openFeed(deliveries("a"));
  feed.report(0, { kind: "ready" });
  feed.report(0, { kind: "handled", line: 1, outcome: "not-handled" });
  expect(lines(0)).toEqual([1, 1]);
});

test("an unknown outcome is reconciled once for all its copies, which are delivered again afterwards", async () => {
  const { promise: verdict, resolve } = Promise.withResolvers<boolean>();
  const asked: string[] = [];
  const reconcile = (id: string) => {
    asked.push(id);
    return verdict;
  };
  const { feed, tally, lines } = openFeed(deliveries("a", "a"), { reconcile });
  feed.report(0, { kind: "ready" });
  feed.report(0, { kind: "handled", line: 1, outcome: "unknown" });
  feed.report(0, { kind: "handled", line: 2, outcome: "unknown" });
  expect([asked, lines(0), feed.moment().reconciling]).toEqual([["a"], [1, 2], 1]);
  resolve(true);
  await verdict;
  await Promise.resolve();
  expect([lines(0), tally.reconciled, feed.moment().reconciling]).toEqual([[1, 2, 1, 2], 1, 0]);
});

test("a reconciliation that others made superfluous is not counted", async () => {
  const { feed, tally, lines } = openFeed(deliveries("a"), { reconcile: async () => false });
  feed.report(0, { kind: "ready" });
  feed.report(0, { kind: "handled", line: 1, outcome: "unknown" });
  await new Promise(setImmediate);
  expect([tally.reconciled, lines(0)]).toEqual([0, [1, 1]]);
});

test("a reconciler that breaks ends the demo", async () => {
  const { feed } = openFeed(deliveries("a"), { reconcile: () => Promise.reject(new Error("no ledger")) });
  feed.report(0, { kind: "ready" });
  feed.report(0, { kind: "handled", line: 1, outcome: "unknown" });
  await expect(feed.finished).rejects.toThrow("no ledger");
});

test("an aimed worker is told where to stop, and killed when it stands there", () => {
  const plan: ChaosPlan = { ...NO_CHAOS, aimed: [{ event: 0, stage: "charged", onLeaseExpiry: "hold" }] };
  const { feed, sent, killed } = openFeed(deliveries("a", "a"), { plan });
  feed.report(0, { kind: "ready" });
  expect(sent.map((one) => one.order.stopAt)).toEqual(["charged", null]);
  feed.report(0, { kind: "stopped", line: 1, stage: "charged" });
  expect(killed).toEqual([0]);
  feed.workerKilled(0);
  feed.report(0, { kind: "ready" });
  expect(sent.slice(2).map((one) => one.order.stopAt)).toEqual([null, null]);
});

test("a worker that was killed on the way to where it was to stop does not count as hit", () => {
  const plan: ChaosPlan = { ...NO_CHAOS, aimed: [{ event: 0, stage: "charged", onLeaseExpiry: "hold" }] };
  const { feed, sent, killed } = openFeed(deliveries("a", "b"), { plan, window: 1 });
  feed.report(0, { kind: "ready" });
  feed.workerKilled(0);
  feed.report(0, { kind: "stopped", line: 1, stage: "charged" });
  expect(killed).toEqual([]);
  feed.report(1, { kind: "ready" });
  feed.report(1, { kind: "handled", line: 1, outcome: "charged" });
  expect(sent.map(({ order }) => [order.delivery.line, order.stopAt])).toEqual([
    [1, "charged"],
    [1, null],
    [2, "charged"],
  ]);
});

test("a worker is killed before the charge when another worker is about to wait for the same event", () => {
  const [id = ""] = REACQUIRED;
  const aimed = [{ event: 0, stage: "claimed", onLeaseExpiry: "reacquire" }] as const;
  const { feed, sent, killed, lines } = openFeed(deliveries("a", id, id), { plan: { ...NO_CHAOS, aimed } });
  feed.report(0, { kind: "ready" });
  // The third delivery is a copy of the one that worker 0 is aimed at for, and waits for somebody else.
  feed.report(0, { kind: "handled", line: 1, outcome: "charged" });
  feed.report(0, { kind: "stopped", line: 2, stage: "claimed" });
  expect([lines(0), killed]).toEqual([[1, 2], []]);
  feed.report(1, { kind: "ready" });
  expect(lines(1)).toEqual([3]);
  expect(sent.map(({ order }) => [order.stopAt, order.announce])).toEqual([
    [null, false],
    ["claimed", false],
    [null, true],
  ]);
  expect(killed).toEqual([]);
  feed.report(1, { kind: "claiming", line: 3 });
  expect(killed).toEqual([0]);
  feed.workerKilled(0);
  expect(lines(1)).toEqual([3, 2]);
});

test("a worker with work in hand and a server are killed when the planned count is reached", () => {
  const plan: ChaosPlan = { aimed: [], workers: [1], servers: [2] };
  const { feed, killed } = openFeed(deliveries("a", "b", "c", "d"), { plan });
  feed.report(0, { kind: "ready" });
  feed.report(0, { kind: "handled", line: 1, outcome: "charged" });
  expect(killed).toEqual([0]);
  feed.report(0, { kind: "handled", line: 2, outcome: "charged" });
  expect(killed).toEqual([0, "server"]);
});

test("claims and wakes are recorded in microseconds, and takeovers and promotions counted", () => {
  const { feed, claims, wakes, tally } = openFeed(deliveries("a"));
  feed.report(0, { kind: "claim", ms: 2.5 });
  feed.report(0, { kind: "claim", ms: 0 });
  feed.report(0, { kind: "takeover" });
  feed.report(0, { kind: "wake", ms: 1.5 });
  feed.report(0, { kind: "promotion" });
  expect([claims.count, claims.max >= 2_500, claims.min]).toEqual([2, true, 1]);
  expect([wakes.count, wakes.max >= 1_500]).toEqual([1, true]);
  expect(tally).toMatchObject({ takeovers: 1, promotions: 1 });
});

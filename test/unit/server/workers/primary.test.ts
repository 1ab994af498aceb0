import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { WORKERS_PAGE_MS_MAX } from "../../../../src/server/limits.ts";
import type { FromWorker, ToWorker } from "../../../../src/server/workers/messages.ts";
import { createPrimary } from "../../../../src/server/workers/primary.ts";
import { createMetrics } from "../../../../src/telemetry/metrics.ts";
import { createManualClock, settled } from "../../store/manual-clock.ts";

const ORDERS = { number: 1, processes: 2, config: {} };

/** The primary is the test's: it hears all and says what it likes. */
async function setUp() {
  const clock = createManualClock();
  const heard: FromWorker[] = [];
  const worker = Object.assign(new EventEmitter(), {
    ...{ exitedAfterDisconnect: false, isConnected: () => true },
    send: (message: FromWorker) => heard.push(message) > 0,
  });
  const say = async (message: ToWorker) => {
    worker.emit("message", message);
    await settled();
  };
  const creating = createPrimary(worker as unknown as Parameters<typeof createPrimary>[0], clock);
  await say({ kind: "orders", orders: ORDERS as never });
  return { clock, heard, worker, say, primary: await creating };
}

test("a scrape is told what the primary has put together", async () => {
  const { primary, say, heard, clock } = await setUp();
  const page = primary.page(createMetrics({ ofProcess: false })).page();
  expect(heard.at(-1)).toEqual({ kind: "scraped", id: 1 });
  await say({ kind: "page", id: 1, page: "calls_total 2\n" });
  expect(await page).toBe("calls_total 2\n");
  expect(clock.sleepers).toBe(0);
});

test("a scrape does not wait for good for a primary that does not answer", async () => {
  const { primary, clock } = await setUp();
  const page = expect(primary.page(createMetrics({ ofProcess: false })).page()).rejects.toThrow(
    "the process that adds up the figures of the workers does not answer",
  );
  await clock.advance(WORKERS_PAGE_MS_MAX);
  await page;
});

test("it shows that it lives, tells of no figures before there are any, and says how it has stopped", async () => {
  const { primary, say, heard } = await setUp();
  await say({ kind: "show-life" });
  await say({ kind: "tell" });
  primary.stopped(true);
  expect(heard.slice(1)).toEqual([{ kind: "alive" }, { kind: "told", snapshot: [] }, { kind: "stopped", clean: true }]);
});

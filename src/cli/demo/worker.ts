/** A worker process: handles the deliveries that come over its channel, several at a time, until it is killed. */
import { createClient, createGrpcTransport } from "../../client/client.ts";
import { systemClock } from "../../clock.ts";
import { timeClaims } from "./claim-timer.ts";
import { handle } from "./handle.ts";
import type { Order, Report, WorkerSetting } from "./messages.ts";
import { openLedger } from "./postgres/ledger.ts";

const setting = JSON.parse(process.argv[2] ?? "null") as WorkerSetting;

const report = (told: Report) => void process.send?.(told);

/** The wall clock as it was when this process began, and moved on evenly from there. A worker does not grow old. */
const wallMs = () => performance.timeOrigin + systemClock.monotonicMs();

const holdfast = createClient({
  transport: timeClaims(createGrpcTransport({ addresses: setting.servers }), { wallMs, report }),
  owner: { service: "demo", instance: setting.name },
});

const ledger = openLedger({
  databaseUrl: setting.databaseUrl,
  connections: setting.connections,
  chargeMsMax: setting.leaseMs,
});

const deps = { holdfast, ledger, worker: setting.name, leaseMs: setting.leaseMs, report };

// What `handle` throws is a bug. It is not caught: the process ends, says why, and the demo fails.
process.on("message", async (order: Order) => {
  report({ kind: "handled", line: order.delivery.line, outcome: await handle(deps, order) });
});

// The demo is gone, however it went; nobody is left to work for.
process.on("disconnect", () => process.exit());

report({ kind: "ready" });

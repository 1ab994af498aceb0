import { createHistogram } from "node:perf_hooks";
import { createClient } from "../../client/client.ts";
import type { Clock } from "../../clock.ts";
import { type Audit, audit } from "./audit.ts";
import { planChaos } from "./chaos.ts";
import { startDatabase } from "./database.ts";
import { type Delivery, eventIds } from "./delivery-log.ts";
import type { DemoOptions } from "./options.ts";
import { createLedger, openLedger } from "./postgres/ledger.ts";
import type { Progress } from "./progress.ts";
import { createRandom } from "./random.ts";
import { createReconcile } from "./reconciler.ts";
import { readResults } from "./records.ts";
import { createTally, makeReport, type Report } from "./report.ts";
import { startServers } from "./servers.ts";
import { startShift } from "./shift.ts";

export interface RunDeps {
  readonly options: DemoOptions;
  readonly deliveries: readonly Delivery[];
  readonly progress: Progress;
  readonly clock: Clock;
  /** Aborted by Ctrl-C: everything is cleaned up, and `run` throws the signal's reason. */
  readonly signal: AbortSignal;
}

export interface Run {
  readonly report: Report;
  readonly audit: Audit;
}

/** Deliveries that a worker has at a time. Most of them wait for somebody else's result, so there are several. */
const WINDOW = 4;

/** From each process to the ledger: eight workers and three servers stay below the 100 that Postgres allows. */
const CONNECTIONS = 4;

/** From an empty directory to the report. What was started is ended in reverse order, however the run goes. */
export async function run({ options, deliveries, progress, clock, signal }: RunDeps): Promise<Run> {
  const { leaseMs } = options;
  // Aborted with what ends the run before its time: Ctrl-C, a process that ended by itself, a bug.
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const fail = (error: unknown) => failed.abort(error);
  const events = eventIds(deliveries);
  const random = createRandom(options.seed);
  const tally = createTally();
  const claims = createHistogram();
  const wakes = createHistogram();

  await using cleanup = new AsyncDisposableStack();
  progress.note("starting Postgres");
  const { url: databaseUrl } = cleanup.use(await startDatabase(clock, progress.note));
  await createLedger(databaseUrl);
  const ledger = cleanup.use(openLedger({ databaseUrl, connections: CONNECTIONS, chargeMsMax: leaseMs }));

  const onServerKilled = (index: number) => {
    tally.serversKilled++;
    progress.note(`server ${index + 1}: killed`);
  };
  const size = options.servers;
  progress.note(`starting ${size} servers`);
  const servers = cleanup.use(
    await startServers({ size, databaseUrl, clock, onKilled: onServerKilled, onFailure: fail }),
  );
  await servers.ready(stop);
  progress.note(`feeding ${deliveries.length} deliveries of ${events.size} events to ${options.workers} workers`);

  const holdfast = cleanup.use(createClient({ addresses: servers.addresses, owner: { service: "demo-reconciler" } }));
  const shift = cleanup.use(
    startShift({
      deliveries,
      plan: planChaos(random, events.size, deliveries.length),
      random,
      window: WINDOW,
      tally,
      claims,
      wakes,
      reconcile: createReconcile({ holdfast, ledger, clock, leaseMs }),
      killServer: () => servers.kill(random.below(size)),
      note: progress.note,
      workers: options.workers,
      setting: { databaseUrl, servers: servers.addresses, leaseMs, connections: CONNECTIONS },
      clock,
      show: progress.show,
      onFailure: fail,
    }),
  );
  const ms = await shift.finish(stop);

  await servers.ready(stop);
  const found = audit(events, await ledger.all(), await readResults(holdfast, events));
  return {
    audit: found,
    report: makeReport({ events: events.size, deliveries: deliveries.length, audit: found, tally, claims, wakes, ms }),
  };
}

import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { type Callers, openCallers } from "../calls.ts";
import { openCrowds } from "../crowd.ts";
import type { Field, Row } from "../row.ts";
import { shimOf } from "../shim/of-stand.ts";
import type { StandServer } from "../stand/stand.ts";
import { type Answers, startFlood } from "../witness/flood.ts";
import { type Between, between, readPages } from "../witness/pages.ts";

const SYNC_MS = 100;
const USUAL_MS = { short: 2_000, full: 5_000 };
const SLOW_MS = { short: 4_000, full: 60_000 };
const CALLERS = 540;
/** Between two claims of one caller: a thousand or so are made in a second, which keeps no processor busy. */
const REST_MS = 600;
const QUEUE_CALLS_MAX = 240;
/** What the servers have in the database at one time: two batches on each of two lanes. */
const BATCHES_AT_ONCE = 4;
const RSS_MIB_MAX = 128;

/**
 * Every sync of Postgres's disk takes 100 ms longer, while a thousand claims of new records come in a second. So many
 * are committed at a time that the disk's slowness is shared by all; who finds no room in the queue is told so at once,
 * and nobody is kept until a time-out.
 *
 * The matrix's bound on throughput is about full batches, for which one machine cannot keep callers enough. Bounded is
 * how many claims share a sync: more than the batches that can be under way, so more than there would be without batches.
 * By how much batches grow is told only: where the processor is short they are large without slow syncs too.
 */
export const slowSyncs: Row = {
  id: "F16",
  fault: "every sync of Postgres's disk takes 100 ms longer",
  stand: { shim: true, serverArgs: ["--max-queue-calls", String(QUEUE_CALLS_MAX)] },
  times: { short: null, full: 3 },
  unjudged: ["V5"],
  async inject(field) {
    const { stand, recorder, times, isFull, figure, say } = field;
    const shim = shimOf(stand);
    using callers = openCallers(recorder, "f16");
    const usual = await flood(field, callers, "usual", isFull ? USUAL_MS.full : USUAL_MS.short);
    const slow: Flooded[] = [];
    let syncs = 0;
    await recorder.during({ mark: "trouble" }, async () => {
      for (let round = 1; round <= times; round++) {
        const before = shim.done.syncsDelayed;
        shim.delaySyncs(SYNC_MS);
        try {
          slow.push(await flood(field, callers, `slow-${round}`, isFull ? SLOW_MS.full : SLOW_MS.short));
        } finally {
          shim.delaySyncs(0);
        }
        syncs += shim.done.syncsDelayed - before;
        say(`syncs slow for ${round} of ${times} times`);
      }
    });
    const sum = (of: (one: Flooded) => number) => slow.reduce((total, one) => total + of(one), 0);
    const seconds = sum(({ ms }) => ms) / 1_000;
    const answered = sum(({ answers }) => answers.answered);
    const rows = (one: Flooded) => one.metrics.mean("holdfast_batch_rows", { statement: "claim" });
    const growth = Math.min(...slow.map(rows)) / rows(usual);
    const failed = slow
      .flatMap(({ answers }) => [...answers.failed.values()])
      .reduce((total, count) => total + count, 0);
    const inFlightMax = stand.servers.length * BATCHES_AT_ONCE;
    figure({ name: "syncs delayed", value: syncs, unit: "", must: { atLeast: 10 * times } });
    figure({ name: "claims answered", value: answered / seconds, unit: "per s" });
    figure({
      name: "claims answered for each sync",
      value: answered / syncs,
      unit: "",
      must: { atLeast: inFlightMax },
    });
    figure({ name: "rows of a batch of claims, usually", value: rows(usual), unit: "" });
    figure({ name: "rows of a batch, of the usual ones", value: growth, unit: "times" });
    figure({ name: "claims shed", value: sum(({ answers }) => answers.shed), unit: "calls", must: { atLeast: 1 } });
    figure({ name: "claims that failed otherwise", value: failed, unit: "calls", must: { atMost: 0 } });
    figure({
      ...{ name: "memory of a server, more than before", unit: "MiB", must: { atMost: RSS_MIB_MAX } },
      value: Math.max(...slow.map(({ grownMib }) => grownMib)),
    });
  },
};

interface Flooded {
  readonly answers: Answers;
  readonly metrics: Between;
  readonly ms: number;
  /** Of the server that has grown by the most. */
  readonly grownMib: number;
}

async function flood({ stand, scope }: Field, callers: Callers, name: string, ms: number): Promise<Flooded> {
  const crowds = await openCrowds(callers, stand.servers, CALLERS);
  const [memory, pages] = [await memoryOf(stand.servers), await readPages(stand.servers)];
  const fromMs = performance.now();
  const running = startFlood({
    callers: CALLERS,
    rpcOf: (caller) => (crowds[caller % crowds.length] ?? crowds[0])?.next() as never,
    keyOf: (caller, turn) => ({ scope: `${scope}-${name}`, key: `${caller}-${turn}` }),
    restMs: { always: REST_MS, refused: 0 },
  });
  await pause(ms);
  await running.stop();
  const grown = (await memoryOf(stand.servers)).map((mib, i) => mib - (memory[i] ?? 0));
  return {
    answers: running.answers,
    metrics: between(pages, await readPages(stand.servers)),
    ms: performance.now() - fromMs,
    grownMib: Math.max(...grown),
  };
}

/** What each of them has resident, in MiB. */
async function memoryOf(servers: readonly StandServer[]): Promise<readonly number[]> {
  const read = async ({ process: { pid } }: StandServer) => {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  };
  return await Promise.all(servers.map(read));
}

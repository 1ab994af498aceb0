import type { BenchContext } from "../context.ts";
import { figure, median, pick } from "../figures.ts";
import { goal } from "../goals.ts";
import { startBenchClient } from "../load/client-process.ts";
import { startBenchServer } from "../load/server-process.ts";
import { ratios } from "../measure.ts";
import type { Chart, Section } from "../report.ts";

/** What a server is given to measure what it carries. */
const CALLERS = 256;
const LOAD = 0.5;
/** Room in the client for calls that pile up. */
const CALLS_MAX = 3_000;

const WAIT =
  /^holdfast_queue_wait_seconds_bucket\{.*le="([^"]+)".*statement="claim"|^holdfast_queue_wait_seconds_bucket\{.*statement="claim".*le="([^"]+)"/;

const HOW = `
Fresh claims by unary calls. First what the server carries with ${CALLERS} callers in a closed loop; then, twice as long, half as
many a second in an open loop, which sends on time whether or not those before have been answered. Latencies count from
when a call was due, to the millisecond that the client's timer takes. *Queue wait* is the server's own histogram of how
long the oldest call of each batch of claims had queued when it was sent, of the rounds at half of capacity alone: waves,
in which all callers wait for one batch and come back together, would show as a second hump.`;

/** How long a claim takes on a server that has time for it. */
export async function benchLatency({ postgres, rounds, ms }: BenchContext): Promise<Section> {
  const url = await postgres.database("latency");
  await using server = await startBenchServer(url);
  await using client = await startBenchClient();
  const aim = { transport: "unary", addresses: [server.address], work: { kind: "claims" } } as const;
  const capacity: number[] = [];
  const half: { readonly p50: number; readonly p99: number; readonly max: number; readonly rate: number }[] = [];
  const waits = new Map<string, number>();
  for (let round = 0; round <= rounds; round++) {
    const { perSecond } = await client.do({ ...aim, kind: "closed-loop", callers: CALLERS, ms });
    const before = queueWaits(await server.metrics());
    const { latency, ...open } = await client.do({
      ...{ ...aim, kind: "open-loop", callsMax: CALLS_MAX },
      ...{ perSecond: perSecond * LOAD, ms: 2 * ms },
    });
    if (round === 0) continue;
    for (const [le, count] of queueWaits(await server.metrics())) {
      waits.set(le, (waits.get(le) ?? 0) + count - (before.get(le) ?? 0));
    }
    capacity.push(perSecond);
    half.push({ p50: latency.p50Ms, p99: latency.p99Ms, max: latency.maxMs, rate: open.perSecond });
  }
  const p50 = pick(half, (each) => each.p50);
  const p99 = pick(half, (each) => each.p99);
  return {
    id: "latency",
    title: "Latency at half of capacity",
    how: HOW.trim(),
    figures: [
      figure("capacity", `fresh claims, ${CALLERS} callers`, "claims/s", capacity),
      figure(
        "rate",
        "at half of capacity: answered",
        "claims/s",
        pick(half, (each) => each.rate),
      ),
      figure("p50", "at half of capacity: p50", "ms", p50),
      figure("p99", "at half of capacity: p99", "ms", p99),
      figure(
        "max",
        "at half of capacity: max",
        "ms",
        pick(half, (each) => each.max),
      ),
      figure("p99-to-p50", "p99 ÷ p50", "×", ratios(p99, p50), goal("latency/p99-to-p50")),
    ],
    charts: [chartOf(waits, median(p50))],
  };
}

/** Batches up to each bound of the histogram, cumulated as Prometheus has it. */
function queueWaits(samples: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const waits = new Map<string, number>();
  for (const [name, value] of samples) {
    const bound = WAIT.exec(name);
    if (bound !== null) waits.set(bound[1] ?? bound[2] ?? "", value);
  }
  if (waits.size === 0) throw new Error("bug: the server has no histogram of queue waits");
  return waits;
}

function chartOf(cumulated: ReadonlyMap<string, number>, p50Ms: number): Chart {
  const all = cumulated.get("+Inf") ?? 0;
  const sorted = [...cumulated.keys()].toSorted((a, b) => secondsOf(a) - secondsOf(b));
  // No empty bars behind the last.
  const bounds = sorted.slice(0, sorted.findIndex((bound) => cumulated.get(bound) === all) + 1);
  const shares = bounds.map((bound, i) => {
    const below = i === 0 ? 0 : (cumulated.get(bounds[i - 1] ?? "") ?? 0);
    return (((cumulated.get(bound) ?? 0) - below) * 100) / all;
  });
  const label = (bound: string, i: number) =>
    bound === "+Inf" ? `> ${secondsOf(bounds[i - 1] ?? "") * 1000}` : `≤ ${secondsOf(bound) * 1000}`;
  return {
    id: "queue-wait",
    title: `Queue wait of batches of claims at half of capacity (p50 of a call: ${p50Ms.toFixed(1)} ms)`,
    kind: "bars",
    unit: "% of the batches",
    x: { label: "ms", values: bounds.map(label) },
    series: [{ name: "queue wait", values: shares }],
  };
}

function secondsOf(bound: string): number {
  return bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound);
}

import type { BenchContext } from "../context.ts";
import { figure, linesOver, median, pick } from "../figures.ts";
import { goal } from "../goals.ts";
import { type BenchClient, startBenchClient } from "../load/client-process.ts";
import { gather } from "../load/gather.ts";
import { type BenchServer, startBenchServer, waitingCalls } from "../load/server-process.ts";
import { interleave, type Quantiles, quantiles, ratios } from "../measure.ts";
import type { Figure, Section } from "../report.ts";

const TRIALS = { held: 100, one: 50, hundred: 10 } as const;
const CROWD = 10_000;
/** At most: each takes some seconds to come together. */
const CROWDS = 3;
const READS = 'holdfast_batch_rows_sum{statement="peek"}';

const HOW = `
One caller holds a key, others claim it with a wait, and the holder completes it when the waiters' server has said that all
of them wait. What is told is how long after the *holder's* answer each waiter has the result; on the holder's own server a
waiter may have it first, which is a figure below 0. After each there is an echo of the waiters' server, one round trip of
the same client, when that server has said that nobody waits, and with the same pause before it. Holder and waiters are one
client process. Both sides of a ratio are of one client: once the lean client, whose round trip is what kernel and server
take, and once grpc-js's, as most applications in Node make their calls. The targets are of the latter, because they speak of
a round trip as a caller sees it; the lean client's ratios, of which nothing is asked, are beside them. Of a hundred or ten
thousand who wait for one key the last is answered when the server has written as many answers: that is work and not
waiting, and the client's reading shares the machine. *Reads* are the rows that a server read from when all of them waited
to when the last was answered; a record that is waited for is also looked at once a second.`;

type Side = "same" | "other";
const SIDES: readonly Side[] = ["same", "other"];
const NAMES = { same: "the same server", other: "another server" } as const;

/** From a completion to those who wait for it. */
export async function benchWakeUp({ postgres, rounds, say }: BenchContext): Promise<Section> {
  const url = await postgres.database("wake_up");
  await using here = await startBenchServer(url);
  await using there = await startBenchServer(url);
  await using client = await startBenchClient();
  const waiterAt = { same: here, other: there };
  const wakeUps =
    (transport: "unary" | "grpc-js", side: Side, waiters: number, all: number) => async (share: number) => {
      const trials = Math.ceil(all * share);
      const { address, metricsUrl } = waiterAt[side];
      const at = { holder: here.address, waiter: address, waiterMetrics: metricsUrl };
      const order = { transport, ...at, waiters, trials };
      const { ms, echoMs } = await client.do({ kind: "wake-ups", ...order });
      return { wake: quantiles(ms), echo: quantiles(echoMs) };
    };
  const measured = await interleave(rounds, {
    "same-1": wakeUps("unary", "same", 1, TRIALS.one),
    "other-1": wakeUps("unary", "other", 1, TRIALS.one),
    "other-1-grpc-js": wakeUps("grpc-js", "other", 1, TRIALS.held),
    "same-100": wakeUps("unary", "same", 100, TRIALS.hundred),
    "other-100": wakeUps("unary", "other", 100, TRIALS.hundred),
  });
  const wakes = (id: keyof typeof measured) => measured[id].map(({ wake }) => wake);
  const echoes = (id: keyof typeof measured) => measured[id].map(({ echo }) => echo);
  const against = (id: keyof typeof measured, part: "p50" | "p99") =>
    ratios(
      pick(wakes(id), (each) => each[part]),
      pick(echoes(id), ({ p50 }) => p50),
    );
  const byGrpcJs = "by grpc-js's client";
  const figures = [
    ...latencies("echo", "echo", echoes("other-1")),
    ...latencies("same-1", `${NAMES.same}, one waiter`, wakes("same-1")),
    ...latencies("other-1", `${NAMES.other}, one waiter`, wakes("other-1")),
    ...latencies("same-100", `${NAMES.same}, 100 waiters`, wakes("same-100")),
    ...latencies("other-100", `${NAMES.other}, 100 waiters`, wakes("other-100")),
    ...latencies("echo-grpc-js", `echo ${byGrpcJs}`, echoes("other-1-grpc-js")),
    ...latencies("other-1-grpc-js", `${NAMES.other}, one waiter, ${byGrpcJs}`, wakes("other-1-grpc-js")),
    figure("p50-to-echo", "another server: p50 ÷ echo's p50, both by the lean client", "×", against("other-1", "p50")),
    figure("p99-to-echo", "another server: p99 ÷ echo's p50, both by the lean client", "×", against("other-1", "p99")),
    ...(["p50", "p99"] as const).map((part) =>
      figure(
        `${part}-to-echo-grpc-js`,
        `another server: ${part} ÷ echo's p50, both ${byGrpcJs}`,
        "×",
        against("other-1-grpc-js", part),
        goal(`wake-up/${part}-to-echo-grpc-js`),
      ),
    ),
  ];
  const crowds = { same: [] as Crowd[], other: [] as Crowd[] };
  for (const side of SIDES) {
    say(`ten thousand waiters on ${NAMES[side]}`);
    for (let i = 0; i < Math.min(CROWDS, rounds); i++) crowds[side].push(await crowd(client, here, waiterAt[side]));
    figures.push(...latencies(`${side}-${CROWD}`, `${NAMES[side]}, 10 000 waiters`, crowds[side]));
    const reads = pick(crowds[side], ({ reads }) => reads);
    figures.push(
      figure(
        `${side}-${CROWD}-reads`,
        `${NAMES[side]}, 10 000 waiters: reads`,
        "rows",
        reads,
        goal(`wake-up/${side}-10000-reads`),
      ),
    );
  }
  const lineOf = (side: Side, part: keyof Quantiles) =>
    [wakes(`${side}-1`), wakes(`${side}-100`), crowds[side]].map((rounds) => {
      const ms = median(pick<Quantiles>(rounds, (each) => each[part]));
      // A logarithm has no place for what was there before the holder's answer.
      return ms > 0 ? ms : null;
    });
  const series = Object.fromEntries(
    SIDES.flatMap((side) => (["p50", "p99"] as const).map((part) => [`${NAMES[side]}, ${part}`, lineOf(side, part)])),
  );
  const title = "From the holder's answer to the waiters'";
  const chart = linesOver({ id: "wake-up", title, unit: "ms" }, "waiters of one key", [1, 100, CROWD], series);
  return {
    ...{ id: "wake-up", title: "From a completion to those who wait", how: HOW.trim(), figures },
    charts: [{ ...chart, logarithmic: true }],
  };
}

function latencies(id: string, what: string, rounds: readonly Quantiles[]): readonly Figure[] {
  return [
    figure(
      `${id}-p50`,
      `${what}, p50`,
      "ms",
      pick(rounds, ({ p50 }) => p50),
    ),
    figure(
      `${id}-p99`,
      `${what}, p99`,
      "ms",
      pick(rounds, ({ p99 }) => p99),
    ),
    figure(
      `${id}-max`,
      `${what}, max`,
      "ms",
      pick(rounds, ({ max }) => max),
    ),
  ];
}

interface Crowd extends Quantiles {
  readonly reads: number;
}

async function crowd(client: BenchClient, holder: BenchServer, waiter: BenchServer): Promise<Crowd> {
  const addresses = [waiter.address];
  await client.do({
    ...{ kind: "hold", transport: "unary", addresses, holder: holder.address, how: "claims", waiters: CROWD },
  });
  await gather(client, CROWD, () => waitingCalls(waiter));
  const reads = async () => (await waiter.metrics()).get(READS) ?? Number.NaN;
  const before = await reads();
  const { ms } = await client.do({ kind: "release" });
  return { ...quantiles(ms), reads: (await reads()) - before };
}

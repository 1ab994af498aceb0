import type { BenchContext } from "../context.ts";
import { figure, grouped, median, pick } from "../figures.ts";
import { startBenchClient } from "../load/client-process.ts";
import type { Measured } from "../load/loops.ts";
import { startBenchServer } from "../load/server-process.ts";
import type { Work } from "../load/work.ts";
import { interleave, ratios } from "../measure.ts";
import type { Section } from "../report.ts";

const CLAIMS = 1_000;
/** Of one round; its figure is their median. */
const BURSTS = 3;
const KEYS = 500;
const CALLERS = 64;
const FRESH_SHARE = 0.05;
const ZIPF = { keys: 20_000, exponent: 0.99 };

const HOW = `
*At once*: ${grouped(CLAIMS)} claims are sent at one instant, by unary calls to one server or to two in turn; the time is from the
first to the last answer. All of one key: one acquires and the others are told that it is in progress. Each of its own:
all acquire. *In a loop*: ${CALLERS} callers of one server by unary calls. The mix is ${(1 - FRESH_SHARE) * 100} % replays, and of the rest each is a new
key, claimed and completed, which counts as one. Zipf: ${grouped(ZIPF.keys)} keys that are new at the beginning of each measurement, the n-th most
wanted claimed in proportion to n^-${ZIPF.exponent}; whoever acquires completes, and who finds it in progress goes on.`;

/** Many who want the same. */
export async function benchContention({ postgres, rounds, ms }: BenchContext): Promise<Section> {
  const url = await postgres.database("contention");
  await using here = await startBenchServer(url);
  await using there = await startBenchServer(url);
  await using client = await startBenchClient();
  const one = [here.address];
  const two = [here.address, there.address];
  const burst = (addresses: readonly string[], keys: "one" | "own") => async (share: number) => {
    const elapsed: number[] = [];
    for (let i = 0; i < BURSTS * share; i++) {
      const order = { kind: "burst", transport: "unary", addresses, claims: CLAIMS, keys } as const;
      const { elapsedMs, outcomes } = await client.do(order);
      const wanted = keys === "one" ? 1 : CLAIMS;
      if (outcomes["acquired"] !== wanted) throw new Error(`${outcomes["acquired"]} of ${wanted} have acquired`);
      elapsed.push(elapsedMs);
    }
    return median(elapsed);
  };
  const bursts = await interleave(rounds, {
    ...{ one: burst(one, "one"), own: burst(one, "own"), oneOfTwo: burst(two, "one"), ownOfTwo: burst(two, "own") },
  });

  await client.do({ kind: "end-keys", transport: "unary", addresses: one, keys: KEYS });
  const loop = (work: Work) => (share: number) =>
    client.do({ kind: "closed-loop", transport: "unary", addresses: one, work, callers: CALLERS, ms: ms * share });
  const { replays, mix, zipf, pairs } = await interleave(rounds, {
    replays: loop({ kind: "replays", keys: KEYS }),
    mix: loop({ kind: "mix", keys: KEYS, freshShare: FRESH_SHARE }),
    zipf: loop({ kind: "zipf", ...ZIPF }),
    pairs: loop({ kind: "pairs" }),
  });
  const outcome = (name: string) => pick(zipf, ({ outcomes, count }) => ((outcomes[name] ?? 0) * 100) / count);
  return {
    id: "contention",
    title: "Many callers, few keys",
    how: HOW.trim(),
    figures: [
      figure("burst-one", `${grouped(CLAIMS)} claims of one key at once`, "ms", bursts.one),
      figure("burst-own", `${grouped(CLAIMS)} claims of ${grouped(CLAIMS)} keys at once`, "ms", bursts.own),
      figure("burst-one-to-own", "one key ÷ a key each", "×", ratios(bursts.one, bursts.own)),
      figure("burst-one-of-two", `${grouped(CLAIMS)} claims of one key at once, two servers`, "ms", bursts.oneOfTwo),
      figure(
        "burst-own-of-two",
        `${grouped(CLAIMS)} claims of ${grouped(CLAIMS)} keys at once, two servers`,
        "ms",
        bursts.ownOfTwo,
      ),
      figure("replays-rate", "replays only", "calls/s", pick(replays, rate)),
      figure("mix-rate", "95 % replays, 5 % fresh pairs", "calls/s", pick(mix, rate)),
      figure("mix-p99", "95 % replays, 5 % fresh pairs, p99", "ms", pick(mix, p99)),
      figure("mix-to-replays", "the mix ÷ replays only", "×", ratios(pick(mix, rate), pick(replays, rate))),
      figure("pairs-rate", "fresh pairs only", "pairs/s", pick(pairs, rate)),
      figure("zipf-rate", "Zipf: claims", "claims/s", pick(zipf, rate)),
      figure("zipf-p99", "Zipf: p99 of a claim, completed where it acquired", "ms", pick(zipf, p99)),
      figure("zipf-acquired", "Zipf: acquired", "%", outcome("acquired")),
      figure("zipf-in-progress", "Zipf: in progress", "%", outcome("inProgress")),
      figure("zipf-completed", "Zipf: replayed", "%", outcome("completed")),
    ],
  };
}

const rate = ({ perSecond }: Measured) => perSecond;
const p99 = ({ latency }: Measured) => latency.p99Ms;

import { systemClock } from "../../src/clock.ts";
import type { ClaimAnswer, ClaimCall, FinishCall, HeartbeatCall } from "../../src/domain/calls.ts";
import { compareKeys } from "../../src/domain/key.ts";
import { openSession, type Session } from "../../src/store/postgres/connection.ts";
import { runFinishes } from "../../src/store/postgres/finish.ts";
import { runHeartbeats } from "../../src/store/postgres/heartbeat.ts";
import { createServerTime } from "../../src/store/postgres/server-time.ts";
import { claimCall, completeCall } from "../calls.ts";
import { claimAll } from "../claim-all.ts";
import type { BenchContext } from "../context.ts";
import { figure } from "../figures.ts";
import { ratios, spread } from "../measure.ts";
import type { Section } from "../report.ts";

const ROWS = 128;
/** Of each arm in a round. */
const BATCHES = 30;

const HOW = `
Batches of ${ROWS} rows of the same statements on one table, one session at a time, with the trigger that keeps histories and
without it, in turn, so that the machine's other work meets both alike. A row is a claim with its end, or a heartbeat. Of
keys that fail once and are claimed again, which alone have a history of more than one attempt, no target is asked.`;

/** What histories cost: `kept` with the trigger, `without` without it. */
export async function benchHistory({ postgres, rounds }: BenchContext): Promise<Section> {
  const url = await postgres.database("history");
  const open = () => openSession({ url, clock: systemClock });
  const [kept, without] = await Promise.all([open(), open()]);
  await without.query({ name: "", text: "set session_replication_role = replica" }, []);
  const time = createServerTime({ clock: systemClock, asOf: () => null });
  let keys = 0;

  const newCalls = () =>
    Array.from({ length: ROWS }, () => claimCall(`${keys++}`)).toSorted((a, b) => compareKeys(a.key, b.key));
  const claim = async (session: Session, calls: readonly ClaimCall[]) =>
    (await claimAll(session, calls, time)).map((answer) => completeCall(answer as ClaimAnswer));
  const end = async (session: Session, calls: readonly FinishCall[]) => {
    for (const answer of await runFinishes(session, calls, time)) {
      if (answer?.kind !== "ended") throw new Error(`an end was answered ${answer?.kind}`);
    }
  };
  const failing = (call: FinishCall): FinishCall => ({ ...call, kind: "retryable", outcome: null });
  const beatOf = ({ key, proof }: FinishCall): HeartbeatCall => {
    return { key, proof, leaseMs: 30_000, checkpoint: null, progress: null, externalRef: null };
  };

  const arms = {
    pairs: async (session: Session) => {
      const calls = newCalls();
      return microsOf(async () => end(session, await claim(session, calls)));
    },
    beats: async (session: Session) => {
      const calls = (await claim(session, newCalls())).map(beatOf);
      return microsOf(async () => void (await runHeartbeats(session, calls, time)));
    },
    /** Each key is tried twice: what a history costs where there is one. */
    retried: async (session: Session) => {
      const calls = newCalls();
      const again = calls.map(({ key: { key } }) => claimCall(key));
      return microsOf(async () => {
        await end(session, (await claim(session, calls)).map(failing));
        await end(session, await claim(session, again));
      });
    },
  };

  const figures = { pairs: twoArms(), beats: twoArms(), retried: twoArms() };
  for (let round = 0; round <= rounds; round++) {
    for (const [name, arm] of Object.entries(arms) as [keyof typeof arms, typeof arms.pairs][]) {
      const micros = twoArms();
      for (let i = 0; i < 2 * BATCHES; i++) {
        // A B B A A B B A …
        const isKept = (i + 1) % 4 < 2;
        micros[isKept ? "kept" : "without"].push(await arm(isKept ? kept : without));
      }
      if (round === 0) continue;
      figures[name].kept.push(spread(micros.kept).median);
      figures[name].without.push(spread(micros.without).median);
    }
  }
  await Promise.all([kept.close(), without.close()]);
  const { pairs, beats, retried } = figures;
  const most = { atMost: 1.05 };
  return {
    id: "history",
    title: "What histories cost",
    how: HOW.trim(),
    figures: [
      figure("pairs", "claim + complete, with histories", "µs/row", pairs.kept),
      figure("pairs-ratio", "claim + complete, histories ÷ without", "×", ratios(pairs.kept, pairs.without), most),
      figure("beats", "heartbeat, with histories", "µs/row", beats.kept),
      figure("beats-ratio", "heartbeat, histories ÷ without", "×", ratios(beats.kept, beats.without), most),
      figure("retried-ratio", "claim, fail, retry, complete: ÷ without", "×", ratios(retried.kept, retried.without)),
    ],
  };
}

function twoArms(): { readonly kept: number[]; readonly without: number[] } {
  return { kept: [], without: [] };
}

async function microsOf(batch: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await batch();
  return ((performance.now() - started) * 1000) / ROWS;
}

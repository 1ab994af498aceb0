import { figure, median } from "./figures.ts";
import { type GoalId, goal } from "./goals.ts";
import { ratios } from "./measure.ts";
import type { Chart, Figure } from "./report.ts";

/** What the rounds gave, by the name of what ran with the calls that were open at its end: "restate-unique-64". */
export type Rates = Readonly<Record<string, readonly number[]>>;

/** One or more of them, of which the one with the best median counts. */
interface Side {
  readonly name: string;
  readonly of: readonly string[];
}

const side = (name: string, ...of: readonly string[]): Side => ({ name, of });
const UNARY = side("unary pairs", "unary-64", "unary-256");
const SESSION = side("session pairs", "session-64", "session-256");
const REPLAY = side("unary replay", "unary-replay-64", "unary-replay-256");
const RESTATE = side("Restate", "restate-unique-64", "restate-unique-256");
const DBOS = side("DBOS", "dbos-unique-64", "dbos-unique-256");
const REDIS = side("Redis, single writes", "redis-write-64", "redis-write-256");
const RESTATE_REPLAY = side("Restate's replay", "restate-replay-64", "restate-replay-256");

interface Ratio {
  readonly id: string;
  readonly goal: GoalId;
  readonly of: Side;
  readonly to: readonly Side[];
  /** What the best of the measured is called. */
  readonly name: string;
}

const ENGINES = { to: [RESTATE, DBOS], name: "the best of Restate and DBOS" } as const;

const RATIOS: readonly Ratio[] = [
  { id: "unary-to-engines", goal: "peers/unary-to-engines", of: UNARY, ...ENGINES },
  { id: "session-to-engines", goal: "peers/session-to-engines", of: SESSION, ...ENGINES },
  { id: "session-to-redis", goal: "peers/session-to-redis", of: SESSION, to: [REDIS], name: REDIS.name },
  {
    ...{ id: "replay-to-restate", goal: "peers/replay-to-restate", of: REPLAY },
    ...{ to: [RESTATE_REPLAY], name: RESTATE_REPLAY.name },
  },
];

/**
 * The project beside the peers, round by round. Where one of the engines is missing the ratio to the other is told, and
 * called that, but it is held to nothing: it is not what the target is of. Where all are missing there is none.
 */
export function ratiosToPeers(rates: Rates): readonly Figure[] {
  return RATIOS.flatMap(({ id, goal: held, of, to, name }): Figure[] => {
    const ours = best(rates, [of]);
    const there = to.filter((each) => best(rates, [each]) !== undefined);
    const theirs = best(rates, there);
    if (ours === undefined || theirs === undefined) return [];
    const values = ratios(ours.rounds, theirs.rounds);
    if (there.length === to.length) return [figure(id, `${of.name} ÷ ${name}`, "×", values, goal(held))];
    const alone = there.map((each) => each.name).join(", ");
    return [figure(`${id}-alone`, `${of.name} ÷ ${alone} alone`, "×", values)];
  });
}

export function chartsOfPeers(rates: Rates): readonly Chart[] {
  return [
    bars(rates, "peers-executions", "Unique executions a second", [
      { ...UNARY, name: "Holdfast, unary" },
      { ...SESSION, name: "Holdfast, session" },
      ...[RESTATE, DBOS],
      side("@adcp/sdk", "adcp-unique-64"),
      side("Redis, one of two writes", ...REDIS.of),
    ]),
    bars(rates, "peers-replays", "Replays a second", [
      { ...REPLAY, name: "Holdfast, unary" },
      side("Holdfast, session", "session-replay-64"),
      { ...RESTATE_REPLAY, name: "Restate" },
      side("DBOS", "dbos-replay-64"),
      side("@adcp/sdk", "adcp-replay-64"),
      side("Redis, GET", "redis-read-64"),
    ]),
  ];
}

interface Best {
  readonly median: number;
  readonly rounds: readonly number[];
}

function best(rates: Rates, sides: readonly Side[]): Best | undefined {
  return sides
    .flatMap(({ of }) => of)
    .flatMap((id) => {
      const rounds = rates[id] ?? [];
      return rounds.length === 0 ? [] : [{ rounds, median: median(rounds) }];
    })
    .toSorted((a, b) => b.median - a.median)[0];
}

/** A bar for each side that was measured. */
function bars(rates: Rates, id: string, title: string, sides: readonly Side[]): Chart {
  const measured = sides.flatMap((each) => {
    const found = best(rates, [each]);
    return found === undefined ? [] : [{ name: each.name, value: found.median }];
  });
  return {
    ...{ id, title, unit: "per second", kind: "bars", logarithmic: true },
    x: { label: "", values: measured.map(({ name }) => name) },
    series: [{ name: "median", values: measured.map(({ value }) => value) }],
  };
}

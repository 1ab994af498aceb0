import type { Chart, Figure, Section, Target } from "./report.ts";

/** One or more figures of one section, of which the one with the best median counts. */
interface Side {
  readonly name: string;
  readonly section: string;
  readonly figures: readonly string[];
}

const UNARY: Side = { name: "unary pairs", section: "pairs", figures: ["unary-64-rate", "unary-256-rate"] };
const SESSION: Side = { name: "session pairs", section: "pairs", figures: ["session-64-rate", "session-256-rate"] };
const UNARY_REPLAY: Side = { name: "unary replay", section: "replay", figures: ["unary-rate"] };
const SESSION_REPLAY: Side = { name: "session replay", section: "replay", figures: ["session-rate"] };

const peer = (name: string, ...figures: readonly string[]): Side => ({ name, section: "peers", figures });
const RESTATE = ["restate-unique-64-rate", "restate-unique-256-rate"] as const;
const DBOS = "dbos-unique-64-rate";
const ENGINES = peer("the best of Restate and DBOS", ...RESTATE, DBOS);
const REDIS = peer("Redis, single writes", "redis-write-64-rate", "redis-write-256-rate");
const RESTATE_REPLAY = peer("Restate's replay", "restate-replay-64-rate", "restate-replay-256-rate");

interface Ratio {
  readonly id: string;
  readonly of: Side;
  readonly to: Side;
  readonly target: Target;
}

const RATIOS: readonly Ratio[] = [
  { id: "unary-to-engines", of: UNARY, to: ENGINES, target: { atLeast: 4 } },
  { id: "session-to-engines", of: SESSION, to: ENGINES, target: { atLeast: 10 } },
  { id: "session-to-redis", of: SESSION, to: REDIS, target: { atLeast: 0.5 } },
  { id: "replay-to-restate", of: UNARY_REPLAY, to: RESTATE_REPLAY, target: { atLeast: 1.2 } },
];

const HOW = `
Figures of the arms *pairs*, *replay* and *peers* of this run, each side at the better of 64 and 256 calls open, or at the
one that was measured. The arms ran minutes apart, so the spread of a ratio goes from the worst round of the one with the best
of the other to the reverse; the median is one of medians. A write of Redis is one of the two that a pair is.`;

/** The project beside the peers; nothing where a run has not measured both. */
export function ratiosToPeers(sections: readonly Section[]): readonly Section[] {
  const figures = RATIOS.flatMap(({ id, of, to, target }): Figure[] => {
    const [ours, theirs] = [best(sections, of), best(sections, to)];
    if (ours === undefined || theirs === undefined) return [];
    const spread = {
      min: ours.spread.min / theirs.spread.max,
      median: ours.spread.median / theirs.spread.median,
      max: ours.spread.max / theirs.spread.min,
    };
    return [{ id, what: `${of.name} ÷ ${to.name}`, unit: "×", spread, target }];
  });
  if (figures.length === 0) return [];
  const charts = [
    bars(sections, "peers-executions", "Unique executions a second", "per second", [
      { ...UNARY, name: "Holdfast, unary" },
      { ...SESSION, name: "Holdfast, session" },
      peer("Restate", ...RESTATE),
      peer("DBOS", DBOS),
      peer("@adcp/sdk", "adcp-unique-64-rate"),
      peer("Redis, one of two writes", ...REDIS.figures),
    ]),
    bars(sections, "peers-replays", "Replays a second", "per second", [
      { ...UNARY_REPLAY, name: "Holdfast, unary" },
      { ...SESSION_REPLAY, name: "Holdfast, session" },
      peer("Restate", ...RESTATE_REPLAY.figures),
      peer("DBOS", "dbos-replay-64-rate"),
      peer("@adcp/sdk", "adcp-replay-64-rate"),
      peer("Redis, GET", "redis-read-64-rate"),
    ]),
  ];
  return [{ id: "against-peers", title: "Holdfast beside them", how: HOW.trim(), figures, charts }];
}

function best(sections: readonly Section[], { section, figures }: Side): Figure | undefined {
  return sections
    .filter(({ id }) => id === section)
    .flatMap((each) => each.figures)
    .filter(({ id }) => figures.includes(id))
    .toSorted((a, b) => b.spread.median - a.spread.median)[0];
}

/** A bar for each side that was measured. */
function bars(sections: readonly Section[], id: string, title: string, unit: string, sides: readonly Side[]): Chart {
  const measured = sides.flatMap((side) => {
    const figure = best(sections, side);
    return figure === undefined ? [] : [{ name: side.name, value: figure.spread.median }];
  });
  return {
    ...{ id, title, unit, kind: "bars", logarithmic: true },
    x: { label: "", values: measured.map(({ name }) => name) },
    series: [{ name: "median", values: measured.map(({ value }) => value) }],
  };
}

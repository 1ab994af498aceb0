/** What a run of races has to tell; the form of its JSON. */
export interface Report {
  readonly kind: "races";
  /** As ISO 8601 has it. */
  readonly startTime: string;
  readonly commit: string;
  readonly node: string;
  readonly postgres: string;
  readonly size: string;
  readonly seed: number;
  readonly races: readonly RaceReport[];
}

export interface RaceReport {
  readonly name: string;
  readonly what: string;
  readonly seed: number;
  /** Judged ones. */
  readonly trials: number;
  readonly seconds: number;
  readonly orders: readonly OrderReport[];
  readonly violations: number;
  readonly examples: readonly string[];
  /** Why it was no race, if it was none. */
  readonly spoilt: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
  readonly verdict: "held" | "violated" | "not exercised";
  readonly controls: readonly ControlReport[];
}

export interface OrderReport {
  readonly name: string;
  readonly by: "chance" | "force";
  readonly count: number;
  /** Of the trials that were left to chance; null where it was forced. */
  readonly share: number | null;
  readonly least: number;
  readonly isEnough: boolean;
}

export interface ControlReport {
  readonly name: string;
  readonly what: string;
  readonly trials: number;
  /** The first violation; null: it lives, and the race proves nothing of it. */
  readonly killedBy: string | null;
}

export const EXIT = { HELD: 0, VIOLATED: 1, COULD_NOT_RUN: 2 } as const;

export function exitCodeOf({ races }: Report): number {
  const isProved = races.every(
    ({ verdict, controls }) => verdict === "held" && controls.every(({ killedBy }) => killedBy !== null),
  );
  return isProved ? EXIT.HELD : EXIT.VIOLATED;
}

/** One race, for a terminal. */
export function raceText(race: RaceReport): string {
  const { name, seed, trials, seconds, violations, verdict, what } = race;
  const lines = [
    `${name}  seed ${seed}, ${grouped(trials)} trials in ${seconds.toFixed(1)} s, violations ${violations}: ${verdict.toUpperCase()}`,
    `  ${what}`,
    ...race.orders.map(orderText),
    ...Object.entries(race.figures).map(([figure, value]) => `  ${grouped(value).padStart(9)}         ${figure}`),
    ...race.spoilt.map((why) => `  NOT EXERCISED: ${why}`),
    ...race.examples.map((example) => `  VIOLATION: ${example}`),
  ];
  return lines.join("\n");
}

function orderText({ name, by, count, share, least, isEnough }: OrderReport): string {
  const how = share === null ? "forced" : `${(share * 100).toFixed(1)} %`;
  const lacking = isEnough
    ? ""
    : `  TOO FEW: at least ${grouped(least)} ${by === "force" ? "were to be forced" : "of chance"}`;
  return `  ${grouped(count).padStart(9)} ${how.padStart(7)}  ${name}${lacking}`;
}

export function controlText({ name, what, trials, killedBy }: ControlReport): string {
  const verdict = killedBy === null ? `LIVES after ${grouped(trials)} trials` : "killed";
  const how = killedBy === null ? "" : `\n      ${killedBy}`;
  return `  control ${name}, which ${what}: ${verdict}${how}`;
}

/** For a page of the documentation. */
export function racesTable({ startTime, size, seed, node, postgres, races }: Report): string {
  const rows = races.map(({ name, trials, violations, verdict, controls }) => {
    const killed = controls.filter(({ killedBy }) => killedBy !== null).map((control) => control.name);
    const living = controls.filter(({ killedBy }) => killedBy === null).map((control) => `${control.name} LIVES`);
    const told = [...killed, ...living].join(", ") || "not run";
    return `| \`${name}\` | ${grouped(trials)} | ${violations} | ${verdict} | ${told} |`;
  });
  const orders = races.flatMap(({ name, orders }) =>
    orders.map(({ name: order, count, share }) => {
      return `| \`${name}\` | ${order} | ${grouped(count)} | ${share === null ? "forced" : `${(share * 100).toFixed(1)} %`} |`;
    }),
  );
  return [
    `${startTime.slice(0, 10)}, ${size}, seed ${seed}, Node ${node}, PostgreSQL ${postgres}.`,
    "",
    "| race | trials | violations | verdict | controls that it kills |",
    "|---|--:|--:|---|---|",
    ...rows,
    "",
    "| race | order of events | trials | share |",
    "|---|---|--:|--:|",
    ...orders,
    "",
  ].join("\n");
}

/** In groups of three digits; fractions as they are. */
function grouped(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 1 }).replaceAll(",", " ");
}

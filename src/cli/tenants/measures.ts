/** How a value is written, and its value in proto JSON. */
export interface Measure {
  readonly placeholder: string;
  readonly allowed: string;
  parse(given: string): number | string | undefined;
}

export const COUNT: Measure = {
  placeholder: "N",
  allowed: "a whole number from 0",
  // More digits would not be kept exactly, and no limit needs them.
  parse: (given) => (/^\d{1,15}$/.test(given) ? Number(given) : undefined),
};

export const RATE: Measure = {
  placeholder: "N",
  allowed: "a number from 0, such as 100 or 0.5",
  parse: (given) => (/^\d{1,15}(\.\d{1,6})?$/.test(given) ? Number(given) : undefined),
};

export const TIME: Measure = {
  placeholder: "TIME",
  allowed: "a time such as 30s, 15m, 24h or 7d, or 0",
  parse(given) {
    if (given === "0") return "0s";
    const [, count, unit = ""] = /^(\d{1,9})([smhd])$/.exec(given) ?? [];
    return count === undefined ? undefined : `${Number(count) * (UNIT_SECONDS[unit] ?? 0)}s`;
  },
};

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

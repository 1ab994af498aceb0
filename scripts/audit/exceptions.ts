/** An advisory that is known, and with which we go on for a while. */
export interface Exception {
  readonly id: string;
  /** Why it cannot be reached, or why nothing can be done yet. */
  readonly why: string;
  /** The last day on which it holds, "2027-01-31". */
  readonly until: string;
}

/** Then somebody looks again, whatever was thought. */
export const DAYS_MAX = 180;

const FIELDS = ["id", "why", "until"] as const;
const DAY_MS = 86_400_000;

/** Throws an error that says which entry is wrong, and what is allowed. */
export function readExceptions(text: string): readonly Exception[] {
  const entries = JSON.parse(text) as unknown;
  if (!Array.isArray(entries)) throw new Error("the exceptions must be a list of { id, why, until }");
  const exceptions = entries.map(readException);
  for (const [index, { id }] of exceptions.entries()) {
    const first = exceptions.findIndex((other) => other.id === id);
    if (first !== index) throw new Error(`exceptions ${first + 1} and ${index + 1} are both of ${id}; one is enough`);
  }
  return exceptions;
}

function readException(entry: unknown, index: number): Exception {
  const which = `exception ${index + 1}`;
  if (typeof entry !== "object" || entry === null) throw new Error(`${which} must be { id, why, until }`);
  const given = entry as Readonly<Record<string, unknown>>;
  const other = Object.keys(given).find((name) => !FIELDS.some((field) => field === name));
  if (other !== undefined) throw new Error(`${which} has "${other}"; there are ${FIELDS.join(", ")}`);
  const [id, why, until] = FIELDS.map((field) => {
    const value = given[field];
    if (typeof value === "string" && value.trim() !== "") return value;
    throw new Error(`${which} needs "${field}", a text that is not empty`);
  }) as [string, string, string];
  if (!isDay(until)) throw new Error(`${which} has until "${until}"; it must be a day, as 2027-01-31`);
  return { id, why, until };
}

function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(time) && dayOf(new Date(time)) === text;
}

export function dayOf(instant: Date): string {
  return instant.toISOString().slice(0, 10);
}

/** The last day that an exception made today may name. */
export function lastDay(today: string): string {
  return dayOf(new Date(Date.parse(`${today}T00:00:00Z`) + DAYS_MAX * DAY_MS));
}

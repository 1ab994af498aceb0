import type { Instant } from "../../domain/instant.ts";

/** What Postgres writes under `datestyle = ISO`, in any time zone; no instant of ours lies outside 1000 to 9999. */
const TIMESTAMPTZ =
  /^([1-9]\d{3})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?$/;

const MICROS_PER_SECOND = 1_000_000;

/** Reads a timestamptz as Postgres writes it, to the microsecond. */
export function parseInstant(text: string): Instant {
  if (text === "infinity") return Number.POSITIVE_INFINITY;
  if (text === "-infinity") return Number.NEGATIVE_INFINITY;
  const parts = TIMESTAMPTZ.exec(text);
  if (parts === null) throw new Error(`bug: not a timestamptz in ISO style: ${text}`);
  const [, year, month, day, hour, minute, second, fraction = "", sign, zoneHour, zoneMinute = 0, zoneSecond = 0] =
    parts;
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const zone = (Number(zoneHour) * 60 + Number(zoneMinute)) * 60 + Number(zoneSecond);
  const seconds = local / 1000 - (sign === "-" ? -zone : zone);
  return seconds * MICROS_PER_SECOND + Number(fraction.padEnd(6, "0"));
}

/** Writes an instant so that Postgres reads it as a timestamptz, whatever its settings. */
export function formatInstant(instant: Instant): string {
  if (instant === Number.POSITIVE_INFINITY) return "infinity";
  if (instant === Number.NEGATIVE_INFINITY) return "-infinity";
  const seconds = Math.floor(instant / MICROS_PER_SECOND);
  const micros = instant - seconds * MICROS_PER_SECOND;
  const toTheSecond = new Date(seconds * 1000).toISOString().slice(0, -".000Z".length);
  return `${toTheSecond}.${String(micros).padStart(6, "0")}Z`;
}

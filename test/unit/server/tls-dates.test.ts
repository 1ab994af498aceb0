import { expect, test } from "vitest";
import { createWatchDates } from "../../../src/server/tls/dates.ts";

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
const EXPIRED = "the TLS certificate has expired";
const SOON = "the TLS certificate expires within a week";
const EARLY = "the TLS certificate is not valid yet";

/** Looks every hour at a certificate that is valid from day 0 to day 90, from the hour when the test begins. */
function watching(dayAtFirst: number) {
  const lines: { readonly message: string; readonly day: number }[] = [];
  let hours = 0;
  const wallClockMs = () => dayAtFirst * DAY_MS + hours * HOUR_MS;
  const watch = createWatchDates({
    wallClockMs,
    clock: { monotonicMs: () => 1_000 + hours * HOUR_MS },
    log: { warn: (_, message) => void lines.push({ message, day: wallClockMs() / DAY_MS }) },
  });
  const until = (day: number, certificate = { cert: "one", days: 90 }) => {
    const dates = { validFrom: new Date(0), notAfter: new Date(certificate.days * DAY_MS) };
    for (; wallClockMs() <= day * DAY_MS; hours++) watch({ cert: certificate.cert, ...dates });
  };
  return { lines, until };
}

test("a certificate is told of once a day in its last week, and once when it has expired", () => {
  const { lines, until } = watching(0);
  until(82.99);
  expect(lines).toEqual([]);
  until(100);
  expect(lines).toEqual([
    ...[83, 84, 85, 86, 87, 88, 89, 90].map((day) => ({ message: SOON, day })),
    { message: EXPIRED, day: 90 + 1 / 24 },
  ]);
});

test("one that has expired when the server starts is told of once", () => {
  const { lines, until } = watching(95);
  until(120);
  expect(lines).toEqual([{ message: EXPIRED, day: 95 }]);
});

test("one that is not valid yet is told of once, and then as it ends", () => {
  const { lines, until } = watching(-2);
  until(84.5);
  expect(lines).toEqual([
    { message: EARLY, day: -2 },
    { message: SOON, day: 83 },
    { message: SOON, day: 84 },
  ]);
});

test("another certificate that ends soon is told of although the one before was", () => {
  const { lines, until } = watching(86);
  until(86.5);
  until(86.6, { cert: "two", days: 91 });
  until(87, { cert: "three", days: 180 });
  expect(lines.map(({ message }) => message)).toEqual([SOON, SOON]);
});

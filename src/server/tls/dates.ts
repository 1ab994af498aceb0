import type { Clock } from "../../clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { TlsFiles } from "./files.ts";

export interface DatesDeps {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Milliseconds since the Unix epoch. */
  readonly wallClockMs: () => number;
  readonly log: Pick<Log, "warn">;
}

/** To be called with what is in force, as often as anybody looks. */
export type WatchDates = (files: Pick<TlsFiles, "cert" | "validFrom" | "notAfter">) => void;

const DAY_MS = 24 * 60 * 60_000;

/** Who renews certificates by a machine does it weeks before they end: in the last one it has failed. */
const ENDS_SOON_MS = 7 * DAY_MS;

/**
 * Warns of a certificate that is not valid yet, once; that ends soon, once a day; and that has expired, once. Another
 * certificate is judged anew.
 */
export function createWatchDates({ clock, wallClockMs, log }: DatesDeps): WatchDates {
  let warned = { cert: "", message: "", atMs: 0 };
  return ({ cert, validFrom, notAfter }) => {
    const message = whatIsWrong(validFrom.getTime(), notAfter.getTime(), wallClockMs());
    if (message === null) return;
    const nowMs = clock.monotonicMs();
    const isSaid = warned.cert === cert && warned.message === message;
    if (isSaid && (message !== ENDS_SOON || nowMs - warned.atMs < DAY_MS)) return;
    warned = { cert, message, atMs: nowMs };
    log.warn({ validFrom: validFrom.toISOString(), notAfter: notAfter.toISOString() }, message);
  };
}

const ENDS_SOON = "the TLS certificate expires within a week";

function whatIsWrong(validFromMs: number, notAfterMs: number, nowMs: number): string | null {
  if (nowMs > notAfterMs) return "the TLS certificate has expired";
  if (nowMs < validFromMs) return "the TLS certificate is not valid yet";
  return nowMs >= notAfterMs - ENDS_SOON_MS ? ENDS_SOON : null;
}

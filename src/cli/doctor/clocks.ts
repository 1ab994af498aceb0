import { type Finding, findingsOf } from "./finding.ts";

/** A database's clock, less this machine's. */
export interface ClockOffset {
  readonly name: string;
  readonly ms: number;
  /** How long the answer took: the offset is no more exact than half of that. */
  readonly roundTripMs: number;
}

const SECONDS = 5;
const ROUND_TRIP_MS = 20;

/** Each lease is judged by the clock of one database; no difference between clocks breaks any. */
export function judgeClock({ name, ms, roundTripMs }: ClockOffset, others: readonly ClockOffset[]): Finding[] {
  const { ok, warning } = findingsOf("clock");
  const findings: Finding[] = [];
  if (isFar(ms, roundTripMs)) {
    findings.push(
      warning(
        `The database's clock is ${apart(ms)} this machine's.`,
        "No lease is judged by this machine's clock, but tokens and certificates are, and logs are hard to compare. " +
          "Synchronise both, as with chrony.",
      ),
    );
  }
  for (const other of others) {
    if (!isFar(ms - other.ms, roundTripMs + other.roundTripMs)) continue;
    findings.push(
      warning(
        `The clock of ${name} is ${apart(ms - other.ms)} that of ${other.name}.`,
        "Each judges its own leases, but a tenant that is moved takes instants along. Synchronise both, as with chrony.",
      ),
    );
  }
  return findings.length > 0 ? findings : [ok(`The database's clock and this machine's agree to within ${SECONDS} s.`)];
}

function isFar(ms: number, uncertainMs: number): boolean {
  return Math.abs(ms) > SECONDS * 1000 + uncertainMs;
}

function apart(ms: number): string {
  return `${Math.round(Math.abs(ms) / 100) / 10} s ${ms > 0 ? "ahead of" : "behind"}`;
}

/** Each call waits for one round trip at least. */
export function judgeConnection(roundTripMs: number): Finding {
  const { ok, warning } = findingsOf("connection");
  const sentence = `Answers within ${roundTripMs < 10 ? roundTripMs.toFixed(1) : Math.round(roundTripMs)} ms.`;
  if (roundTripMs < ROUND_TRIP_MS) return ok(sentence);
  return warning(sentence, "Run servers next to their database: each claim waits for it.");
}

import { expect, test } from "vitest";
import {
  type AttemptFailure,
  type ClaimOptions,
  type FailureDetail,
  type FailureKind,
  type Fingerprint,
  fingerprint,
  type LeaseChange,
  type LeaseLostError,
  type LeaseLostWhy,
  type OwnerView,
  type ProgressView,
  type RecordName,
  type RecordView,
  type ResultOptions,
  type ResultOrigin,
  type ResultUnavailableError,
  retryable,
  type TlsOptions,
  type Token,
  type WaitEnd,
  type WaitEvent,
  type WaitForOptions,
  type WaitTarget,
} from "../../../src/client/client.ts";

// The names are what is tested, by the compiler: a user who wraps the client writes them down.
function refuse(cause: unknown, detail: FailureDetail): AttemptFailure {
  return retryable(cause, detail);
}

function named(options: ClaimOptions): RecordName {
  return options;
}

const lostWhy = (error: LeaseLostError): LeaseLostWhy => error.why;
const originOf = ({ replayed, value }: ResultUnavailableError): ResultOrigin => ({ replayed, value });

/** What a wait is told, by the names that its reader needs. */
function told(
  event: WaitEvent<string>,
): RecordView | ProgressView | LeaseChange | OwnerView | WaitEnd<string> | undefined {
  switch (event.kind) {
    case "snapshot":
      return event.record;
    case "progress":
      return event.progress;
    case "lease-changed":
      return event.owner ?? event.change;
    case "ended":
      return event.end;
    case "checkpoint":
    case "outcome-unknown":
      return undefined;
  }
}

test("a caller can name every type that the client takes and gives", () => {
  const kind: FailureKind = refuse("busy", { delayMs: 5 }).kind;
  expect(kind).toBe("retryable");
  expect(named({ scope: "charge", key: "evt_1", input: null })).toMatchObject({ scope: "charge" });
  expect([lostWhy, originOf]).toHaveLength(2);
  const digest: Fingerprint = fingerprint(1);
  const target: WaitTarget = { scope: "charge", key: "evt_1", fingerprint: digest };
  const options: ResultOptions<string> & WaitForOptions<string> = { timeoutMs: 5, mode: "any" };
  expect(told({ kind: "snapshot", target, index: 0, record: undefined })).toBe(undefined);
  expect(options.mode).toBe("any");
  const credentials: { tls: TlsOptions; token: Token } = { tls: { serverName: "a" }, token: () => "b" };
  expect(Object.keys(credentials)).toHaveLength(2);
});

import { expect, test } from "vitest";
import {
  type AttemptFailure,
  type ClaimOptions,
  type FailureDetail,
  type FailureKind,
  type LeaseLostError,
  type LeaseLostWhy,
  type RecordName,
  type ResultOrigin,
  type ResultUnavailableError,
  retryable,
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

test("a caller can name every type that the client takes and gives", () => {
  const kind: FailureKind = refuse("busy", { delayMs: 5 }).kind;
  expect(kind).toBe("retryable");
  expect(named({ scope: "charge", key: "evt_1", input: null })).toMatchObject({ scope: "charge" });
  expect([lostWhy, originOf]).toHaveLength(2);
});

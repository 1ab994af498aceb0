import type {
  ResolveOutcomeRequest,
  ResolveOutcomeRequestSchema,
  ResolveOutcomeResponseSchema,
} from "../../../gen/holdfast/v1/operator_pb.ts";
import type { ResolveOutcome, ResolveOutcomeInput } from "../../operations/admin/records/resolve.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { toRecordSummary } from "../wire/record-summary.ts";
import { keyOf } from "../wire/request.ts";
import { encodeError, encodeResult } from "../wire/stored.ts";

export function createResolveOutcomeHandler(
  resolveOutcome: ResolveOutcome,
): UnaryHandler<typeof ResolveOutcomeRequestSchema, typeof ResolveOutcomeResponseSchema> {
  return async ({ key, verdict, force, expectedFence, reason }, caller) => {
    const input = { key: keyOf(key), verdict: verdictOf(verdict), force, expectedFence, reason };
    return { record: toRecordSummary(await resolveOutcome(caller, input)) };
  };
}

function verdictOf(verdict: ResolveOutcomeRequest["verdict"]): ResolveOutcomeInput["verdict"] {
  switch (verdict.case) {
    case "completed":
      return { kind: "completed", outcome: encodeResult(verdict.value) };
    case "failed":
      return { kind: "failed", outcome: encodeError(verdict.value) };
    case "notDone":
      return { kind: "not-done" };
    case undefined:
      throw new Error("bug: validation lets no request without verdict through");
  }
}

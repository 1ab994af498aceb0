import type { GetRecordRequestSchema, GetRecordResponseSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { GetRecord } from "../operations/get-record.ts";
import type { UnaryHandler } from "./pipeline.ts";
import { toRecord } from "./wire/record.ts";
import { fingerprintOf, keyOf } from "./wire/request.ts";
import { decodeError, decodeResult } from "./wire/stored.ts";

export function createGetRecordHandler(
  getRecord: GetRecord,
): UnaryHandler<typeof GetRecordRequestSchema, typeof GetRecordResponseSchema> {
  return async ({ key, fingerprint, includeResult }, caller) => {
    const seen = await getRecord(caller, keyOf(key), fingerprintOf(fingerprint));
    const record = toRecord(seen);
    if (!includeResult || seen.state === "expired") return { record };
    return seen.state === "completed"
      ? { record, result: decodeResult(seen.record) }
      : { record, error: decodeError(seen.record) };
  };
}

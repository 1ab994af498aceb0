import type { Status } from "../../gen/google/rpc/status_pb.ts";
import type {
  ClaimResponse,
  GetRecordResponse,
  Result,
  WaitForResponse,
} from "../../gen/holdfast/v1/idempotency_pb.ts";

/** The bytes of the result in an answer: all else in it is small, and bounded by what a field may hold. */

export function claimBodyBytes({ detail }: ClaimResponse): number {
  return detail.case === "completed" ? bodyBytes(detail.value.result) : 0;
}

export function getRecordBodyBytes({ result }: GetRecordResponse): number {
  return bodyBytes(result);
}

export function waitForBodyBytes({ event }: WaitForResponse): number {
  if (event.case !== "ended" || event.value.detail.case !== "completed") return 0;
  return bodyBytes(event.value.detail.value.result);
}

export function bodyBytes(result: Result | undefined): number {
  return result?.body.case === "inline" ? result.body.value.byteLength : 0;
}

export function errorBytes(error: Status | undefined): number {
  if (error === undefined) return 0;
  let bytes = error.message.length;
  for (const { typeUrl, value } of error.details) bytes += typeUrl.length + value.byteLength;
  return bytes;
}

import type { Duration } from "@bufbuild/protobuf/wkt";
import type {
  ListRecordsRequestSchema,
  ListRecordsResponse,
  ListRecordsResponseSchema,
} from "../../../gen/holdfast/v1/operator_pb.ts";
import type { StoredRecord } from "../../domain/record.ts";
import type { ListRecords } from "../../operations/admin/records/list.ts";
import { bodyBytes, errorBytes } from "../body-bytes.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { recordStateOf } from "../wire/enums.ts";
import { positionOf, toRecordPageToken } from "../wire/record-page-token.ts";
import { toRecordSummary, toWholeSummary } from "../wire/record-summary.ts";
import { textOf } from "../wire/request.ts";
import { decodeEvidence } from "../wire/stored.ts";
import { durationMs } from "../wire/time.ts";

const PAGE_SIZE_DEFAULT = 100;

/** 1000 years: no record is older, and every database can subtract it from its time. */
const AGE_MS_MAX = 1000 * 365 * 24 * 60 * 60_000;

export function createListRecordsHandler(
  listRecords: ListRecords,
): UnaryHandler<typeof ListRecordsRequestSchema, typeof ListRecordsResponseSchema> {
  return async (request, caller) => {
    const { records, next } = await listRecords(caller, {
      tenant: request.tenantId,
      scope: textOf(request.scope),
      keyPrefix: textOf(request.keyPrefix),
      states: request.states.length === 0 ? null : request.states.map(recordStateOf),
      stuckOnly: request.stuckOnly,
      olderThanMs: ageOf(request.olderThan),
      newerThanMs: ageOf(request.newerThan),
      withOutcomes: request.includeOutcomes,
      after: positionOf(request),
      limit: request.pageSize || PAGE_SIZE_DEFAULT,
      matches: request.owner === "" ? null : (record) => isOwnedBy(record, request.owner),
    });
    return {
      records: records.map(request.includeOutcomes ? toWholeSummary : toRecordSummary),
      nextPageToken: toRecordPageToken(next, request),
    };
  };
}

/** About: what a record has of any length, and room for the rest. */
export function listRecordsBytes({ records }: ListRecordsResponse): number {
  let bytes = 0;
  for (const { key, owner, externalRef, progress, result, error } of records) {
    bytes += 128 + (key?.scope.length ?? 0) + (key?.key.length ?? 0) + externalRef.length;
    bytes += (owner?.service.length ?? 0) + (owner?.instance.length ?? 0) + (progress?.message.length ?? 0);
    bytes += bodyBytes(result) + errorBytes(error);
  }
  return bytes;
}

function ageOf(age: Duration | undefined): number | null {
  return age === undefined ? null : Math.min(durationMs(age), AGE_MS_MAX);
}

/** The store does not know: to it, who holds a record is part of bytes that it keeps without looking into them. */
function isOwnedBy(record: StoredRecord, name: string): boolean {
  const { owner } = decodeEvidence(record);
  if (owner === undefined) return false;
  const { service, instance } = owner;
  return service === name || instance === name || `${service}/${instance}` === name;
}

import type {
  GetRecordTimelineRequestSchema,
  GetRecordTimelineResponse,
  GetRecordTimelineResponseSchema,
} from "../../../gen/holdfast/v1/operator_pb.ts";
import type { GetRecordTimeline } from "../../operations/admin/records/timeline.ts";
import { errorBytes } from "../body-bytes.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { toRecord } from "../wire/record.ts";
import { toRecordEvent } from "../wire/record-event.ts";
import { toStuckReason } from "../wire/record-summary.ts";
import { keyOf } from "../wire/request.ts";
import { decodeError } from "../wire/stored.ts";
import { toTimestamp } from "../wire/time.ts";

export function createGetRecordTimelineHandler(
  getRecordTimeline: GetRecordTimeline,
): UnaryHandler<typeof GetRecordTimelineRequestSchema, typeof GetRecordTimelineResponseSchema> {
  return async ({ key }, caller) => {
    const timeline = await getRecordTimeline(caller, keyOf(key));
    const { state, mayRead, now } = timeline;
    const record = toRecord(timeline);
    if (!mayRead && record.checkpoint !== undefined) record.checkpoint.data = new Uint8Array();
    // What is past its retention is not shown any more, wherever it is kept.
    const showsErrors = mayRead && state !== "expired";
    return {
      record,
      events: timeline.events.map((event) => toRecordEvent(event, showsErrors)),
      stuck: toStuckReason(timeline.stuck),
      // Of a completed record the outcome is its result, which GetRecord shows.
      error: showsErrors && state !== "completed" ? decodeError(timeline.record) : undefined,
      readTime: toTimestamp(now),
    };
  };
}

/** About: checkpoint and errors are what is large in it. */
export function timelineBytes({ record, events, error }: GetRecordTimelineResponse): number {
  let bytes = 1024 + (record?.checkpoint?.data.byteLength ?? 0) + errorBytes(error);
  for (const event of events) bytes += 256 + errorBytes(event.error);
  return bytes;
}

import { clone, toJson } from "@bufbuild/protobuf";
import { type Status, StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import {
  type Record as RecordProto,
  RecordSchema,
  type Result,
  ResultSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import {
  type GetRecordTimelineResponse,
  GetRecordTimelineResponseSchema,
  type RecordSummary,
  RecordSummarySchema,
} from "../../../gen/holdfast/v1/operator_pb.ts";

/** Records as scripts read them: proto JSON, with what is false, 0 or empty, so that a script need not know what that is. */
export interface RecordNameJson {
  readonly tenant: string;
  readonly scope: string;
  readonly key: string;
}

export interface OwnerJson {
  readonly service: string;
  readonly instance: string;
}

export interface ProgressJson {
  readonly fraction: number;
  readonly message: string;
}

/** Bytes are in base64. */
export interface ResultJson {
  readonly inline?: string;
  readonly reference?: { readonly uri: string; readonly sha256: string; readonly sizeBytes: string };
  readonly omittedReason?: string;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface StatusJson {
  readonly code: number;
  readonly message: string;
  /** Not decoded: whoever made the record chose their types. */
  readonly details: readonly { readonly "@type": string; readonly value: string }[];
}

/** Times are RFC 3339, numbers of 64 bits are texts. */
export interface RecordSummaryJson {
  readonly key: RecordNameJson;
  readonly state: string;
  readonly stuck: string;
  readonly attempt: number;
  readonly fence: string;
  readonly owner?: OwnerJson;
  readonly externalRef: string;
  readonly progress?: ProgressJson;
  readonly createTime?: string;
  readonly attemptStartTime?: string;
  readonly stateTime?: string;
  readonly leaseExpireTime?: string;
  readonly unknownReason: string;
  readonly failReason: string;
  readonly reconciling: boolean;
  readonly hasWaiters: boolean;
  readonly result?: ResultJson;
  readonly error?: StatusJson;
}

export interface CheckpointJson {
  readonly name: string;
  readonly sequence: string;
  readonly data: string;
  readonly contentType: string;
  readonly recordTime?: string;
}

export interface PolicyJson {
  readonly onLeaseExpiry: string;
  readonly maxAttempts: number;
  readonly maxExecution?: string;
  readonly resultRetention?: string;
  readonly tombstoneRetention?: string;
}

export interface RecordJson extends Omit<RecordSummaryJson, "stuck" | "stateTime" | "result" | "error"> {
  readonly metadata: Readonly<Record<string, string>>;
  readonly checkpoint?: CheckpointJson;
  readonly endTime?: string;
  readonly resultExpireTime?: string;
  readonly tombstoneExpireTime?: string;
  readonly dueTime?: string;
  readonly policy?: PolicyJson;
  readonly traceparent: string;
}

export interface RecordEventJson {
  readonly kind: string;
  readonly time?: string;
  readonly attempt: number;
  readonly fence: string;
  readonly owner?: OwnerJson;
  readonly late: boolean;
  readonly error?: StatusJson;
  readonly actor: string;
  readonly reason: string;
  readonly auditSequence: string;
  readonly traceId: string;
}

export interface TimelineJson {
  readonly record?: RecordJson;
  readonly events: readonly RecordEventJson[];
  readonly stuck: string;
  readonly error?: StatusJson;
  readonly readTime?: string;
}

const WHOLE = { alwaysEmitImplicit: true } as const;

export function recordSummaryToJson(record: RecordSummary): RecordSummaryJson {
  const { error, ...rest } = record;
  const json = toJson(RecordSummarySchema, rest as RecordSummary, WHOLE) as unknown as RecordSummaryJson;
  return error === undefined ? json : { ...json, error: statusToJson(error) };
}

export function recordToJson(record: RecordProto): RecordJson {
  return toJson(RecordSchema, record, WHOLE) as unknown as RecordJson;
}

export function timelineToJson(timeline: GetRecordTimelineResponse): TimelineJson {
  const bare = clone(GetRecordTimelineResponseSchema, timeline);
  delete bare.error;
  for (const event of bare.events) delete event.error;
  const json = toJson(GetRecordTimelineResponseSchema, bare, WHOLE) as unknown as TimelineJson;
  const events = json.events.map((event, index) => {
    const error = timeline.events[index]?.error;
    return error === undefined ? event : { ...event, error: statusToJson(error) };
  });
  return { ...json, events, ...(timeline.error && { error: statusToJson(timeline.error) }) };
}

export function resultToJson(result: Result): ResultJson {
  return toJson(ResultSchema, result, WHOLE) as unknown as ResultJson;
}

/** By hand: a detail of a type that this program does not know has no form in proto JSON. */
export function statusToJson({ $typeName, code, message, details }: Status): StatusJson {
  const json = toJson(StatusSchema, { $typeName, code, message, details: [] }, WHOLE) as unknown as StatusJson;
  const told = details.map(({ typeUrl, value }) => ({
    "@type": typeUrl,
    value: Buffer.from(value).toString("base64"),
  }));
  return { ...json, details: told };
}

import { AdminService } from "../../../gen/holdfast/v1/admin_pb.ts";
import { type CallerLimit, createCallerLimit } from "../../operations/admin/caller-limit.ts";
import { looksMax } from "../../operations/admin/records/access.ts";
import { createListRecords } from "../../operations/admin/records/list.ts";
import { createPurgeRecords } from "../../operations/admin/records/purge.ts";
import { createForceRelease } from "../../operations/admin/records/release.ts";
import { createResetRecord } from "../../operations/admin/records/reset.ts";
import { createResolveOutcome } from "../../operations/admin/records/resolve.ts";
import { createGetRecordTimeline } from "../../operations/admin/records/timeline.ts";
import type { RecordChangeLog } from "../../telemetry/change-log.ts";
import type { Tenants } from "../../tenants/tenants.ts";
import type { Endpoint } from "../endpoint.ts";
import { createUnary, type PipelineDeps } from "../pipeline.ts";
import { noRules } from "../rules.ts";
import { createForceReleaseHandler } from "./force-release.ts";
import { createGetRecordTimelineHandler, timelineBytes } from "./get-record-timeline.ts";
import { createListRecordsHandler, listRecordsBytes } from "./list-records.ts";
import { createPurgeRecordsHandler } from "./purge-records.ts";
import {
  forceReleaseRules,
  listRecordsRules,
  purgeRecordsRules,
  resetRecordRules,
  resolveOutcomeRules,
} from "./record-rules.ts";
import { createResetRecordHandler } from "./reset-record.ts";
import { createResolveOutcomeHandler } from "./resolve-outcome.ts";

export interface RecordEndpointDeps extends PipelineDeps {
  readonly tenants: Pick<Tenants, "enter">;
  /** Of changes. Looking has a limit of its own: reconcilers who poll do not keep an operator from mending. */
  readonly limited: CallerLimit;
  readonly recordChanges: RecordChangeLog;
}

/** The methods of AdminService that are about records. */
export function createRecordEndpoints(given: RecordEndpointDeps): readonly Endpoint[] {
  const { method } = AdminService;
  const { limited, recordChanges } = given;
  const looking = createCallerLimit(looksMax);
  const deps = { ...given, ...recordChanges };
  const list = createListRecordsHandler(looking(createListRecords(deps)));
  const timeline = createGetRecordTimelineHandler(looking(createGetRecordTimeline(deps)));
  const release = createForceReleaseHandler(limited(createForceRelease(deps)));
  const resolve = createResolveOutcomeHandler(limited(createResolveOutcome(deps)));
  const reset = createResetRecordHandler(limited(createResetRecord(deps)));
  const purge = createPurgeRecordsHandler(limited(createPurgeRecords(deps)));
  return [
    createUnary(deps, method.listRecords, listRecordsRules, list, listRecordsBytes),
    createUnary(deps, method.getRecordTimeline, noRules, timeline, timelineBytes),
    createUnary(deps, method.forceRelease, forceReleaseRules, release),
    createUnary(deps, method.resolveOutcome, resolveOutcomeRules, resolve),
    createUnary(deps, method.resetRecord, resetRecordRules, reset),
    createUnary(deps, method.purgeRecords, purgeRecordsRules, purge),
  ];
}

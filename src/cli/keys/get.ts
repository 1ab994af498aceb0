import {
  type RecordJson,
  resultToJson,
  statusToJson,
  type TimelineJson,
  timelineToJson,
} from "../../rpc/wire/record-json.ts";
import { EXIT } from "../exit-codes.ts";
import { statusText } from "../status-codes.ts";
import { jsonText, tableText } from "../table.ts";
import { writeRaw } from "../wait/end.ts";
import * as flag from "./flags.ts";
import type { Order } from "./order.ts";
import { resultText } from "./result-text.ts";
import { stateOf } from "./rows.ts";
import { ownerText, word } from "./view.ts";

/** Everything of one record; what it has produced is asked for apart, because that takes another role. */
export async function get(order: Order): Promise<number> {
  const { admin, name, flags, output, io } = order;
  const timeline = timelineToJson(await admin.getRecordTimeline({ key: name }));
  const outcome = flags.has(flag.RESULT.name) || flags.has(flag.RAW.name) ? await outcomeOf(order) : {};
  if (flags.has(flag.RAW.name)) return writeRaw(outcome.result, io);
  if (output === "json") {
    const { result, error } = outcome;
    const { error: last, ...rest } = timeline;
    const told = error ?? last;
    io.out(jsonText({ ...rest, ...(told && { error: told }), ...(result && { result }) }));
    return EXIT.done;
  }
  io.out(tableText(["FIELD", "VALUE"], rowsOf(timeline)));
  const { result, error } = outcome;
  if (result !== undefined) io.out(`\n${resultText(result).text.trimEnd()}\n`);
  else if (error !== undefined) io.out(`\n${tableText(["ERROR"], [[statusText(error)]])}`);
  else if (flags.has(flag.RESULT.name)) io.out("\n(no result)\n");
  return EXIT.done;
}

interface Outcome {
  readonly result?: ReturnType<typeof resultToJson>;
  readonly error?: ReturnType<typeof statusToJson>;
}

async function outcomeOf({ records, name, signal, timeoutMs }: Order): Promise<Outcome> {
  const { result, error } = await records.getRecord({ key: name, includeResult: true }, { signal, timeoutMs });
  return { ...(result && { result: resultToJson(result) }), ...(error && { error: statusToJson(error) }) };
}

/** A line for each thing that is known; times are as the server gives them. */
function rowsOf({ record, events, stuck, error, readTime }: TimelineJson): readonly (readonly [string, string])[] {
  if (record === undefined) throw new Error("the server answered without a record");
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["tenant", record.key.tenant],
    ["scope", record.key.scope],
    ["key", record.key.key],
    ["state", stateOf(record)],
    ["stuck", word("STUCK_REASON_", stuck)],
    ["attempt", String(record.attempt)],
    ["fence", record.fence],
    ["owner", ownerText(record.owner)],
    ["external ref", record.externalRef],
    ["progress", record.progress && `${record.progress.fraction} ${record.progress.message}`.trimEnd()],
    ...checkpointRows(record),
    ...Object.entries(record.metadata).map(([name, value]) => [`metadata ${name}`, value] as const),
    ["first claim", record.createTime],
    ["attempt start", record.attemptStartTime],
    ["lease until", record.leaseExpireTime],
    ["claimable from", record.dueTime],
    ["ended", record.endTime],
    ["result until", record.resultExpireTime],
    ["tombstone until", record.tombstoneExpireTime],
    ["unknown because", word("UNKNOWN_REASON_", record.unknownReason)],
    ["failed because", word("FAIL_REASON_", record.failReason)],
    ["last error", error && statusText(error)],
    ["waiters", record.hasWaiters ? "yes" : "no"],
    ...policyRows(record),
    ["traceparent", record.traceparent],
    ["events", String(events.length)],
    ["read", readTime],
  ];
  return rows.flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, value] as const]));
}

function checkpointRows({ checkpoint }: RecordJson): readonly (readonly [string, string | undefined])[] {
  if (checkpoint === undefined) return [];
  return [
    ["checkpoint", `${checkpoint.sequence} ${checkpoint.name}`.trimEnd()],
    ["checkpoint stored", checkpoint.recordTime],
  ];
}

function policyRows({ policy }: RecordJson): readonly (readonly [string, string | undefined])[] {
  if (policy === undefined) return [["policy", "none: the next claim brings its own"]];
  return [
    ["on lease expiry", word("LEASE_EXPIRY_POLICY_", policy.onLeaseExpiry)],
    ["max attempts", policy.maxAttempts === 0 ? "no limit" : String(policy.maxAttempts)],
    ["max execution", policy.maxExecution],
    ["result retention", policy.resultRetention],
    ["tombstone retention", policy.tombstoneRetention],
  ];
}

import type { RecordSummaryJson, ResultJson } from "../../rpc/wire/record-json.ts";
import { shellWord } from "../shell-word.ts";
import { statusText } from "../status-codes.ts";
import { ageText } from "../times.ts";
import { resultText } from "./result-text.ts";
import { ownerText, timeMs, word } from "./view.ts";

export interface Columns {
  readonly tenants: boolean;
  readonly results: boolean;
  /** What is in the middle of a longer one is left out. */
  readonly keyWidthMax: number;
}

const HEADS = ["SCOPE", "KEY", "STATE", "STUCK", "FOR", "ATTEMPT", "OWNER", "LEASE/DUE"];

export function headsOf({ tenants, results }: Pick<Columns, "tenants" | "results">): readonly string[] {
  return [...(tenants ? ["TENANT"] : []), ...HEADS, ...(results ? ["RESULT"] : [])];
}

/** Scopes and keys as a shell takes them, ages by this machine's clock. */
export function rowOf(record: RecordSummaryJson, columns: Columns, nowMs: number): readonly string[] {
  const { tenants, results, keyWidthMax } = columns;
  const { key, stateTime, attempt, owner, stuck } = record;
  return [
    ...(tenants ? [key.tenant] : []),
    shellWord(key.scope),
    withoutMiddle(shellWord(key.key), keyWidthMax),
    stateOf(record),
    word("STUCK_REASON_", stuck) || "-",
    sinceOf(stateTime, nowMs),
    String(attempt),
    ownerText(owner) || "-",
    dueOf(record, nowMs),
    ...(results ? [outcomeOf(record)] : []),
  ];
}

/** Keys of one kind differ at their ends. */
function withoutMiddle(text: string, widthMax: number): string {
  const points = [...text];
  if (points.length <= widthMax) return text;
  const head = Math.ceil((widthMax - 1) / 2);
  return `${points.slice(0, head).join("")}…${points.slice(head + 1 - widthMax).join("")}`;
}

export function stateOf({ state, reconciling }: Pick<RecordSummaryJson, "state" | "reconciling">): string {
  return reconciling ? "reconciling" : word("RECORD_STATE_", state);
}

/** One that can be claimed later waits for that. */
function sinceOf(stateTime: string | undefined, nowMs: number): string {
  const ms = timeMs(stateTime);
  return ms === null || ms > nowMs ? "-" : ageText(nowMs - ms);
}

/** Of one that is held the end of its lease, of one that can be claimed again from when on. */
function dueOf({ state, leaseExpireTime, stateTime }: RecordSummaryJson, nowMs: number): string {
  if (state === "RECORD_STATE_IN_PROGRESS") return distance(leaseExpireTime, nowMs);
  return state === "RECORD_STATE_AVAILABLE" ? distance(stateTime, nowMs) : "-";
}

function distance(time: string | undefined, nowMs: number): string {
  const ms = timeMs(time);
  if (ms === null) return "-";
  return ms > nowMs ? `in ${ageText(ms - nowMs)}` : `${ageText(nowMs - ms)} ago`;
}

function outcomeOf({ result, error }: RecordSummaryJson): string {
  if (error !== undefined) return statusText(error);
  return result === undefined ? "-" : oneLine(result);
}

const SHOWN_MAX = 60;

function oneLine(result: ResultJson): string {
  const text = resultText(result);
  const points = [...text.text.replaceAll(/\s+/g, " ").trim()];
  return points.length > SHOWN_MAX ? `${points.slice(0, SHOWN_MAX - 1).join("")}…` : points.join("");
}

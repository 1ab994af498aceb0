import type { AdminClient } from "../../client/admin.ts";
import {
  type RecordJson,
  type RecordSummaryJson,
  recordSummaryToJson,
  recordToJson,
} from "../../rpc/wire/record-json.ts";
import { EXIT } from "../exit-codes.ts";
import { isInDoubt } from "../failure.ts";
import { readFlag } from "../own-flags.ts";
import { shellWord } from "../shell-word.ts";
import { jsonText, printable } from "../table.ts";
import { confirm } from "./confirm.ts";
import * as flag from "./flags.ts";
import type { Order } from "./order.ts";
import { commandText } from "./remedies.ts";
import { stateOf } from "./rows.ts";
import { readVerdict } from "./verdict.ts";
import { ownerText } from "./view.ts";

type RecordSummary = Awaited<ReturnType<AdminClient["resetRecord"]>>["record"];

/** What every change names: the record as the operator has seen it, and why. */
interface Change {
  readonly key: Order["name"];
  readonly expectedFence: bigint;
  readonly reason: string;
}

export async function release(order: Order): Promise<number> {
  const { change } = await begin(order);
  const { record } = await send(order, () => order.admin.forceRelease(change));
  return tell(order, record, (now) =>
    now.state === "RECORD_STATE_AVAILABLE"
      ? "The next claim gets it; its old holder learns of that with its next call."
      : `Say what became of the work: ${commandFor(order, "resolve", "--help")}`,
  );
}

export async function resolve(order: Order): Promise<number> {
  const { flags, admin } = order;
  // Before anything is asked or sent: a file that is not there is no reason to have said yes.
  const verdict = await readVerdict(flags);
  const force = flags.has(flag.FORCE_RESOLVE.name);
  if (force) {
    const refused = await confirm("Whoever is finding out what became of the work can no longer say so.", order);
    if (refused !== null) return refused;
  }
  const { change } = await begin(order);
  const { record } = await send(order, () => admin.resolveOutcome({ ...change, verdict, force }));
  return tell(order, record, (now) =>
    now.state === "RECORD_STATE_AVAILABLE"
      ? "The next claim does the work: send the request, or the job, again."
      : "Whoever waits for it, and whoever claims it, is told so.",
  );
}

export async function reset(order: Order): Promise<number> {
  const { flags, admin } = order;
  const force = flags.has(flag.FORCE_RESET.name);
  const { change, before } = await begin(order);
  const risk = riskOfReset(before, force);
  const refused = risk === null ? null : await confirm(risk, order);
  if (refused !== null) return refused;
  const { record } = await send(order, () => admin.resetRecord({ ...change, force }));
  return tell(order, record, () => "The next claim is a first claim: send the request, or the job, again.");
}

/** Why somebody should say yes to it; null: no reason. */
function riskOfReset(before: RecordJson, force: boolean): string | null {
  if (force) return `The record is ${stateOf(before)}; what somebody may be doing right now will be done again.`;
  switch (before.state) {
    case "RECORD_STATE_COMPLETED":
    case "RECORD_STATE_EXPIRED":
      return `The record is ${stateOf(before)}; its result will be gone, and its work will be done again.`;
    default:
      return null;
  }
}

/** Looks at the record first, so that what is changed is what was there, and not what somebody has claimed since. */
async function begin({ admin, name, flags }: Order): Promise<{ readonly change: Change; readonly before: RecordJson }> {
  const { record } = await admin.getRecordTimeline({ key: name });
  if (record === undefined) throw new Error("the server answered without a record");
  const fence = readFlag(flags, flag.FENCE);
  const expectedFence = fence === undefined ? record.fence : BigInt(fence);
  const reason = readFlag(flags, flag.REASON) ?? "";
  return { change: { key: name, expectedFence, reason }, before: recordToJson(record) };
}

/** Whoever lost the answer must look before trying again: the record may be somebody else's by then. */
async function send<Answer>(order: Order, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    if (isInDoubt(error) || order.signal.aborted) {
      order.io.error(`holdfast: the change may have been made or not: ${commandFor(order, "why")} tells\n`);
    }
    throw error;
  }
}

function tell(order: Order, answer: RecordSummary, nextStep: (now: RecordSummaryJson) => string): number {
  if (answer === undefined) throw new Error("the server answered without a record");
  const record = recordSummaryToJson(answer);
  const { io, output } = order;
  if (output === "json") io.out(jsonText(record));
  else io.out(`${lineOf(record)}\n${printable(nextStep(record))}\n`);
  return EXIT.done;
}

function lineOf(record: RecordSummaryJson): string {
  const { key, attempt, owner, fence } = record;
  const by = ownerText(owner);
  const attempts = attempt === 0 ? "no attempt" : `attempt ${attempt}${by === "" ? "" : ` of ${printable(by)}`}`;
  return `${shellWord(key.key)} of scope ${shellWord(key.scope)} is ${stateOf(record)} now (${attempts}, fence ${fence}).`;
}

function commandFor({ name, invocation }: Order, word: string, ...flags: readonly string[]): string {
  return commandText(["keys", word], name, invocation, flags);
}

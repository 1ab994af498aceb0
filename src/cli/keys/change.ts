import { timestampMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import type { AdminClient } from "../../client/admin.ts";
import { toHoldfastError } from "../../client/wire-error.ts";
import { type RecordSummaryJson, recordSummaryToJson, recordToJson } from "../../rpc/wire/record-json.ts";
import { EXIT } from "../exit-codes.ts";
import { isInDoubt } from "../failure.ts";
import { readFlag } from "../own-flags.ts";
import { jsonText, printable } from "../table.ts";
import { confirm, refuseUnasked } from "./confirm.ts";
import * as flag from "./flags.ts";
import type { Order } from "./order.ts";
import { recordText } from "./record-text.ts";
import { commandText } from "./remedies.ts";
import { namedText, riskOfForcedVerdict, riskOfRelease, riskOfReset, type Seen } from "./risk.ts";
import { stateOf } from "./rows.ts";
import { tenantMeant, tenantText } from "./tenant.ts";
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
  const { change, seen } = await begin(order);
  const refused = await confirmUnlessNull(riskOfRelease(seen), order);
  if (refused !== null) return refused;
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
  const unasked = force ? refuseUnasked(riskOfForcedVerdict("It is looked into"), order) : null;
  if (unasked !== null) return unasked;
  const { change, seen } = await begin(order);
  const refused = await confirmUnlessNull(force ? riskOfForcedVerdict(seen.what) : null, order);
  if (refused !== null) return refused;
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
  const { change, seen, state } = await begin(order);
  const refused = await confirmUnlessNull(riskOfReset(seen, force), order);
  if (refused !== null) return refused;
  const { record } = await send(order, () => admin.resetRecord({ ...change, ...state, force }));
  return tell(order, record, () => "The next claim is a first claim: send the request, or the job, again.");
}

async function confirmUnlessNull(risk: string | null, order: Order): Promise<number | null> {
  return risk === null ? null : await confirm(risk, order);
}

interface Begun {
  readonly change: Change;
  readonly seen: Seen;
  /** Its state, by which alone an end that comes meanwhile is noticed. Nothing where it could not be seen. */
  readonly state: Pick<Parameters<AdminClient["resetRecord"]>[0], "expectedState">;
}

/** Looks at the record first, so that what is changed is what was there, and not what somebody has claimed since. */
async function begin(order: Order): Promise<Begun> {
  const { name, flags } = order;
  const found = await look(order);
  const fence = readFlag(flags, flag.FENCE);
  const expectedFence = fence === undefined ? (found?.record.fence ?? 0n) : BigInt(fence);
  const reason = readFlag(flags, flag.REASON) ?? "";
  const change = { key: name, expectedFence, reason };
  if (found === null) {
    const what = namedText(name, tenantText(await tenantMeant(order, name.tenant)));
    return { change, seen: { what, before: null, nowMs: 0 }, state: {} };
  }
  const { record, readTime } = found;
  const before = recordToJson(record);
  const what = namedText(before.key, tenantText(before.key.tenant));
  const seen = { what, before, nowMs: readTime === undefined ? 0 : timestampMs(readTime) };
  return { change, seen, state: { expectedState: record.state } };
}

/** Null: the server cannot show it. It can change it all the same, for instance when what it holds cannot be decrypted. */
async function look({ admin, name, io }: Order) {
  try {
    const { record, readTime } = await admin.getRecordTimeline({ key: name });
    if (record === undefined) throw new Error("the server answered without a record");
    return { record, readTime };
  } catch (error) {
    if (!(error instanceof ConnectError) || toHoldfastError(error).reason !== "INTERNAL") throw error;
    io.error("holdfast: the server cannot show the record, its log says why; it is changed as the server finds it\n");
    return null;
  }
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
  return `Record ${recordText(key)} is ${stateOf(record)} now (${attempts}, fence ${fence}).`;
}

function commandFor({ name, invocation }: Order, word: string, ...flags: readonly string[]): string {
  return commandText(["keys", word], name, invocation, flags);
}

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import {
  ClaimIntent,
  FailKind,
  FailReason,
  Finish_Reason as FinishReason,
  LeaseChanged_Kind as LeaseChangedKind,
  RecordState,
  UnknownReason,
  type WaitForResponse,
  WaitMode,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { CallContext } from "../../../src/rpc/endpoint.ts";
import { NOW } from "../../support/records.ts";
import { createManualClock, settled } from "../store/manual-clock.ts";
import {
  acquire,
  again,
  type Bundle,
  bundle,
  claimOf,
  detailOf,
  HOLD,
  KEY,
  methods,
  quietContext,
  resultOf,
  seconds,
  wireError,
} from "./bundle.ts";

type Event = WaitForResponse["event"];
type Value<Case extends Event["case"]> = Extract<Event, { case: Case }>["value"];

const OWNER = { service: "shop", instance: "shop-1" };
const ERROR = { code: 13, message: "the provider said no" };
const PROGRESS = { fraction: 0.5, message: "half" };
const CHECKPOINT = { name: "charged", sequence: 1n, data: Buffer.from("data"), contentType: "text/plain" };

/** Waits as a server adapter does, with the messages encoded and decoded on both ways. */
async function* waitFor(
  { endpoints }: Bundle,
  request: MessageInitShape<typeof methods.waitFor.input> = {},
  context: Partial<CallContext> = {},
): AsyncGenerator<WaitForResponse, undefined> {
  const endpoint = endpoints.find(({ kind }) => kind === "server_streaming");
  if (endpoint?.kind !== "server_streaming") throw new Error("no WaitFor");
  const arrived = again(
    methods.waitFor.input,
    create(methods.waitFor.input, { targets: [{ key: KEY }], ...request } as typeof request),
  );
  for await (const message of endpoint.call(arrived, { ...quietContext(), ...context })) {
    yield again(methods.waitFor.output, message);
  }
}

function waiting() {
  const clock = createManualClock();
  return { clock, own: bundle({ clock }) };
}

/** The next event, which must be of this kind. */
async function nextOf<Case extends NonNullable<Event["case"]>>(
  stream: AsyncGenerator<WaitForResponse, undefined>,
  kind: Case,
): Promise<Value<Case>> {
  const { value } = await stream.next();
  if (value?.event.case !== kind) throw new Error(`expected ${kind}, not ${value?.event.case}`);
  return value.event.value as Value<Case>;
}

async function isOver(stream: AsyncGenerator<WaitForResponse, undefined>): Promise<boolean> {
  return (await stream.next()).done === true;
}

describe("WaitFor", () => {
  test("tells of a record from its claim to its result", async () => {
    const { own } = waiting();
    const { handle } = await acquire(own, { owner: OWNER, metadata: { region: "eu" }, externalRef: "pay_1" });
    const shown = await own.call(methods.getRecord, { key: KEY });
    const stream = waitFor(own, { includeResult: true });
    const { record, absent } = await nextOf(stream, "snapshot");
    expect(record).toEqual(shown.record);
    expect(record).toMatchObject({ state: RecordState.IN_PROGRESS, owner: OWNER, externalRef: "pay_1" });
    expect(absent).toBe(false);

    await own.call(methods.heartbeat, { handle, progress: PROGRESS, checkpoint: CHECKPOINT });
    expect(await nextOf(stream, "progress")).toMatchObject(PROGRESS);
    const { recordTime, ...checkpoint } = await nextOf(stream, "checkpoint");
    expect(checkpoint).toMatchObject({ ...CHECKPOINT, data: new Uint8Array(Buffer.from("data")) });
    expect(recordTime && timestampMs(recordTime)).toBe(NOW / 1000);

    await own.call(methods.complete, { handle, result: resultOf("receipt") });
    const { detail } = await nextOf(stream, "ended");
    expect(detail.case).toBe("completed");
    expect(detail.value).toEqual(detailOf(await own.call(methods.claim, claimOf()), "completed"));
    expect(await nextOf(stream, "finish")).toMatchObject({ reason: FinishReason.DONE });
    expect(await isOver(stream)).toBe(true);
    expect(own.observed.handledCalls.at(-1)).toMatchObject({ method: "WaitFor", code: Code.OK });
  });

  test("tells of an absent record", async () => {
    const { own } = waiting();
    const stream = waitFor(own);
    expect(await nextOf(stream, "snapshot")).toMatchObject({ absent: true });
    await acquire(own, { owner: OWNER });
    const change = await nextOf(stream, "leaseChanged");
    expect(change).toMatchObject({ kind: LeaseChangedKind.TAKEN_OVER, attempt: 1, owner: OWNER });
  });

  test("tells of leases", async () => {
    const { own } = waiting();
    const first = await acquire(own, { owner: OWNER });
    const stream = waitFor(own);
    await nextOf(stream, "snapshot");
    await own.call(methods.fail, { handle: first.handle, kind: FailKind.RETRYABLE, delay: seconds(30) });
    const retried = await nextOf(stream, "leaseChanged");
    expect(retried).toMatchObject({ kind: LeaseChangedKind.RETRY_SCHEDULED, attempt: 1, owner: OWNER });
    own.pass(31_000);
    const second = await acquire(own);
    const taken = await nextOf(stream, "leaseChanged");
    expect(taken).toMatchObject({ kind: LeaseChangedKind.TAKEN_OVER, attempt: 2 });
    expect(taken.owner).toBeUndefined();
    await own.call(methods.fail, { handle: second.handle, kind: FailKind.RETRYABLE });
    expect(await nextOf(stream, "leaseChanged")).toMatchObject({ kind: LeaseChangedKind.RELEASED, attempt: 2 });
  });

  test("tells of a lease that has run out", async () => {
    const { own, clock } = waiting();
    await acquire(own);
    const stream = waitFor(own);
    await nextOf(stream, "snapshot");
    own.pass(30_000);
    const lapsed = nextOf(stream, "leaseChanged");
    await clock.advance(1_000);
    expect(await lapsed).toMatchObject({ kind: LeaseChangedKind.LAPSED, attempt: 1 });
  });

  test("tells of an unknown outcome what a claim is told", async () => {
    const { own } = waiting();
    const { handle } = await acquire(own, { ...HOLD, owner: OWNER, externalRef: "pay_1" });
    const stream = waitFor(own);
    await nextOf(stream, "snapshot");
    await own.call(methods.fail, { handle, kind: FailKind.OUTCOME_UNKNOWN, checkpoint: CHECKPOINT });
    await nextOf(stream, "checkpoint");
    const unknown = await nextOf(stream, "outcomeUnknown");
    expect(unknown).toMatchObject({ reason: UnknownReason.REPORTED, lastOwner: OWNER, externalRef: "pay_1" });
    expect(unknown).toEqual(detailOf(await own.call(methods.claim, claimOf(HOLD)), "outcomeUnknown"));
    await acquire(own, { intent: ClaimIntent.RECONCILE });
    expect(await nextOf(stream, "leaseChanged")).toMatchObject({ kind: LeaseChangedKind.TAKEN_OVER });
  });

  test("tells of a failure, with its error if that is asked for", async () => {
    const { own } = waiting();
    const { handle } = await acquire(own);
    await own.call(methods.fail, { handle, kind: FailKind.TERMINAL, error: ERROR });
    const ends = await Promise.all(
      [true, false].map(async (includeResult) => {
        const stream = waitFor(own, { includeResult });
        await nextOf(stream, "snapshot");
        const { detail } = await nextOf(stream, "ended");
        if (detail.case !== "failed") throw new Error("not failed");
        return detail.value;
      }),
    );
    expect(ends[0]).toEqual(detailOf(await own.call(methods.claim, claimOf()), "failed"));
    expect(ends[1]).toMatchObject({ reason: FailReason.REPORTED, attempt: 1 });
    expect(ends[1]?.error).toBeUndefined();
  });

  test("tells of a result without it, unless it is asked for", async () => {
    const { own } = waiting();
    const { handle } = await acquire(own);
    await own.call(methods.complete, { handle, result: resultOf("receipt") });
    const stream = waitFor(own);
    await nextOf(stream, "snapshot");
    const { detail } = await nextOf(stream, "ended");
    if (detail.case !== "completed") throw new Error("not completed");
    expect(detail.value).toMatchObject({ attempt: 1 });
    expect(detail.value.result).toBeUndefined();
    expect(detail.value.resultExpireTime).toBeDefined();
  });

  test("tells of a record that has expired, and of nothing that it held", async () => {
    const { own } = waiting();
    const { handle } = await acquire(own, { owner: OWNER });
    await own.call(methods.complete, { handle, result: resultOf("receipt") });
    own.pass(24 * 3_600_000);
    const stream = waitFor(own, { includeResult: true });
    const { record } = await nextOf(stream, "snapshot");
    expect(record).toMatchObject({ state: RecordState.EXPIRED });
    expect(record?.owner).toBeUndefined();
    const { detail } = await nextOf(stream, "ended");
    expect(detail.case).toBe("expired");
    expect(detail.value).toEqual(detailOf(await own.call(methods.claim, claimOf()), "expired"));
  });

  test("numbers its targets, and is done when the mode says so", async () => {
    const { own } = waiting();
    const { handle } = await acquire(own);
    await own.call(methods.complete, { handle, result: resultOf("receipt") });
    const targets = [{ key: { ...KEY, key: "evt_2" } }, { key: KEY }];
    const told = [];
    for await (const { targetIndex, event } of waitFor(own, { targets, mode: WaitMode.ANY })) {
      told.push([targetIndex, event.case]);
    }
    expect(told).toEqual([
      [0, "snapshot"],
      [1, "snapshot"],
      [1, "ended"],
      [0, "finish"],
    ]);
  });

  test("waits for 60 s and lives every 15 s, unless it is told otherwise", async () => {
    const { own, clock } = waiting();
    const [plain, told] = [waitFor(own), waitFor(own, { timeout: seconds(1), keepAliveInterval: seconds(30) })];
    const words = (stream: typeof plain) => Array.fromAsync(stream, ({ event }) => event.case);
    const both = Promise.all([words(plain), words(told)]);
    await clock.advance(60_000);
    const alive = ["keepAlive", "keepAlive", "keepAlive"];
    expect(await both).toEqual([
      ["snapshot", ...alive, "finish"],
      ["snapshot", "finish"],
    ]);
  });

  test("says what the time is and that it polls", async () => {
    const { own, clock } = waiting();
    const stream = waitFor(own);
    await nextOf(stream, "snapshot");
    const told = nextOf(stream, "keepAlive");
    await clock.advance(15_000);
    const { serverTime, polling } = await told;
    expect(serverTime && timestampMs(serverTime)).toBe(NOW / 1000 + 15_000);
    expect(polling).toBe(true);
  });

  test.each([
    ["TIMEOUT", FinishReason.TIMEOUT],
    ["MAX_AGE", FinishReason.MAX_AGE],
  ])("finishes with %s", async (name, reason) => {
    const { own, clock } = waiting();
    const retiring = new AbortController();
    const stream = waitFor(own, { timeout: seconds(1) }, { retiring: retiring.signal });
    await nextOf(stream, "snapshot");
    const finish = nextOf(stream, "finish");
    await settled();
    if (name === "MAX_AGE") retiring.abort();
    else await clock.advance(1_000);
    expect(await finish).toMatchObject({ reason });
    expect(await isOver(stream)).toBe(true);
  });

  test("fails when a record that must exist does not, and when the payload is another", async () => {
    const { own } = waiting();
    const failure = async (request: Parameters<typeof waitFor>[1]) =>
      wireError(await Array.fromAsync(waitFor(own, request)).catch((thrown: unknown) => thrown));
    expect(await failure({ mustExist: true })).toMatchObject({
      code: Code.NOT_FOUND,
      reason: "RECORD_NOT_FOUND",
      message: "targets[0]: there is no such record",
      retryMs: null,
    });
    const fingerprint = (fill: number) => ({ algorithm: "sha-256", digest: new Uint8Array(32).fill(fill) });
    await acquire(own, { fingerprint: fingerprint(1) });
    expect(await failure({ targets: [{ key: KEY, fingerprint: fingerprint(2) }] })).toMatchObject({
      code: Code.ALREADY_EXISTS,
      reason: "FINGERPRINT_MISMATCH",
      retryMs: null,
    });
  });

  test("needs the role to read", async () => {
    const authenticator = {
      authenticate: async () => ({
        tenant: null,
        roles: new Set(["claim" as const]),
        authenticated: true,
        name: "test",
      }),
    };
    const own = bundle({ clock: createManualClock(), authenticator });
    const thrown = await waitFor(own)
      .next()
      .catch((error: unknown) => error);
    expect(wireError(thrown)).toMatchObject({ code: Code.PERMISSION_DENIED, reason: "ROLE_REQUIRED" });
  });

  test("of a caller who has gone is observed as cancelled", async () => {
    const { own } = waiting();
    const gone = new AbortController();
    const stream = waitFor(own, {}, { signal: gone.signal });
    await nextOf(stream, "snapshot");
    const failed = stream.next().catch((thrown: unknown) => wireError(thrown).code);
    gone.abort();
    expect(await failed).toBe(Code.CANCELLED);
    expect(own.observed.handledCalls.at(-1)).toMatchObject({ method: "WaitFor", code: Code.CANCELLED });
  });
});

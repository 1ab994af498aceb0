import { describe, expect, test } from "vitest";
import { AcquireReason, ClaimOutcome, FailKind, IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import { lockRecords } from "../table-lock.ts";
import { row } from "./rows.ts";
import {
  acquire,
  CANARY,
  call,
  FIELD_INVALID,
  generic,
  livesOn,
  type Refusal,
  readRefusal,
  refuses,
  useStand,
} from "./stand.ts";
import { encode, type Headers, utf8, WIRE_NAMES, type WireName } from "./wires.ts";

const { method } = IdempotencyService;
const stand = useStand();

describe("Connect JSON", () => {
  const claimWith = (more: string) =>
    utf8(`{"key":{"scope":"${CANARY}","key":"k"},"claim_id":"0123456789abcdef",${more}}`);

  test.each([
    '"30"',
    "30",
    '""',
    '"s"',
    '"1.0000000001s"',
    '"1e3s"',
    '"0x10s"',
    '"1 s"',
    '"∞s"',
    '"315576000001s"',
    '"-s"',
    "{}",
    '"9".s',
    '"c4n4ry"',
  ])(`${row(52)}: %s`, async (value) => {
    const wire = stand.wires["Connect JSON"];
    // Of the five durations of a claim the decoder does not say which it was.
    await refuses(stand, wire, generic(method.claim), claimWith(`"lease":${value}`), FIELD_INVALID());
  });

  test.each([
    ['"policy":{"result_retention":"0s"}', "policy.result_retention"],
    ['"policy":{"resultRetention":"59.999999999s"}', "policy.result_retention"],
    ['"policy":{"result_retention":"-1s"}', "policy.result_retention"],
    ['"policy":{"result_retention":"7862400s"}', "policy.result_retention"],
    ['"policy":{"tombstone_retention":"315576000000s"}', "policy.tombstone_retention"],
    ['"lease":"0s"', "lease"],
    ['"lease":"3600.000000001s"', "lease"],
    ['"wait":"-0.000000001s"', "wait"],
  ])(`${row(53)}: %s`, async (more, field) => {
    const wire = stand.wires["Connect JSON"];
    const refusal: Refusal = { code: "OUT_OF_RANGE", reason: "DURATION_OUT_OF_RANGE", fields: [field] };
    await refuses(stand, wire, generic(method.claim), claimWith(more), refusal);
  });
});

test(`${row(53)}, or just within: what is kept longest is kept, and its end is a time`, async () => {
  const wire = stand.wires["Connect JSON"];
  const policy = { resultRetention: { seconds: 7_776_000n }, tombstoneRetention: { seconds: 315_360_000n } };
  const held = await acquire(wire, { key: newKey(), lease: { seconds: 3600n }, policy });
  await call(wire, method.complete, { handle: held, result: { body: { case: "omittedReason", value: "" } } });
  const { record } = await call(wire, method.getRecord, { key: held.key });
  const [end, tombstone] = [record?.endTime?.seconds ?? 0n, record?.tombstoneExpireTime?.seconds ?? 0n];
  expect(tombstone - end).toBe(7_776_000n + 315_360_000n);
});

test.each(WIRE_NAMES)(`${row(53)}, or a delay past the record's own retention, %s: the lease is kept`, async (name) => {
  const wire = stand.wires[name];
  const held = await acquire(wire, { key: newKey(), policy: { resultRetention: { seconds: 60n } } });
  const fail = { handle: held, kind: FailKind.RETRYABLE, delay: { seconds: 61n } };
  const refusal: Refusal = { code: "OUT_OF_RANGE", reason: "DURATION_OUT_OF_RANGE", fields: ["delay"] };
  await refuses(stand, wire, generic(method.fail), encode(wire, method.fail, fail), refusal);
  await call(wire, method.heartbeat, { handle: held });
  await call(wire, method.fail, { ...fail, delay: { seconds: 60n } });
});

const TIMEOUT_HEADERS: Readonly<Record<WireName, (milliseconds: number) => Headers>> = {
  gRPC: (milliseconds) => ({ "grpc-timeout": `${milliseconds}m` }),
  "gRPC-Web": (milliseconds) => ({ "grpc-timeout": `${milliseconds}m` }),
  "Connect JSON": (milliseconds) => ({ "connect-timeout-ms": String(milliseconds) }),
  "Connect binary": (milliseconds) => ({ "connect-timeout-ms": String(milliseconds) }),
  // Said in the call's own message.
  Session: (milliseconds) => ({ "grpc-timeout": `${milliseconds}m` }),
};

describe.each(WIRE_NAMES)("%s", (name) => {
  const exceeded = { code: "DEADLINE_EXCEEDED", reason: "DEADLINE_EXCEEDED", domain: "holdfast.v1", fields: [] };

  test(`${row(55)} is exceeded, and the same claim_id tells what became of the call`, async () => {
    const wire = stand.wires[name];
    const requests = Array.from({ length: 20 }, () => ({ key: newKey(), claimId: newClaimId() }));
    const hurried = requests.map((request) => encode(wire, method.claim, request));
    const unlock = await lockRecords(stand.database.url);
    const answers = await Promise.all(
      hurried.map((request, index) => wire.send(generic(method.claim), request, TIMEOUT_HEADERS[name](1 + index))),
    ).finally(unlock);
    for (const answer of answers) expect(answer.code).toBe("DEADLINE_EXCEEDED");
    if (name !== "gRPC") expect(answers.map(readRefusal)).toEqual(answers.map(() => exceeded));
    await eachIsSettled(name, requests);
  });

  test(`${row(55)}, with the database free: exceeded or answered, never half`, async () => {
    const wire = stand.wires[name];
    const requests = Array.from({ length: 50 }, () => ({ key: newKey(), claimId: newClaimId() }));
    const answers = await Promise.all(
      requests.map((request) =>
        wire.send(generic(method.claim), encode(wire, method.claim, request), TIMEOUT_HEADERS[name](1)),
      ),
    );
    const codes = new Set(answers.map(({ code }) => code));
    expect([...codes].filter((code) => code !== "OK" && code !== "DEADLINE_EXCEEDED")).toEqual([]);
    await eachIsSettled(name, requests);
  });
});

livesOn(stand);

/** Whoever sends it again holds the lease, of the first attempt; anybody else is told that somebody does. */
async function eachIsSettled(
  name: WireName,
  requests: readonly { readonly key: object; readonly claimId: string }[],
): Promise<void> {
  const wire = stand.wires[name];
  const again = await Promise.all(requests.map((request) => call(wire, method.claim, request)));
  for (const { detail } of again) {
    if (detail.case !== "acquired") throw new Error(`not acquired: ${detail.case}`);
    expect(detail.value.lease?.attempt).toBe(1);
    expect([AcquireReason.NEW, AcquireReason.REATTACHED]).toContain(detail.value.reason);
  }
  const others = await Promise.all(requests.map(({ key }) => call(wire, method.claim, { key, claimId: newClaimId() })));
  expect(others.map(({ outcome }) => outcome)).toEqual(requests.map(() => ClaimOutcome.IN_PROGRESS));
}

import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  AcquireReason,
  ClaimOutcome,
  FailKind,
  IdempotencyService,
  type LeaseHandle,
  LeaseHandleSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import { row } from "./rows.ts";
import {
  acquire,
  age,
  CANARY,
  call,
  FIELD_INVALID,
  generic,
  leaseOf,
  livesOn,
  type Refusal,
  readRefusal,
  refuses,
  refusesCall,
  useStand,
} from "./stand.ts";
import { DISTINCT_WIRES, encode, utf8, type Wire } from "./wires.ts";

const { method } = IdempotencyService;
const stand = useStand();

const TOKEN_INVALID: Refusal = { code: "PERMISSION_DENIED", reason: "LEASE_TOKEN_INVALID" };
const SUPERSEDED: Refusal = { code: "ABORTED", reason: "LEASE_SUPERSEDED" };
const NOT_FOUND: Refusal = { code: "NOT_FOUND", reason: "RECORD_NOT_FOUND" };

const FENCE_MAX = 2n ** 63n - 1n;
const RESULT = { body: { case: "inline", value: new TextEncoder().encode(CANARY) } } as const;

type Proof = Pick<LeaseHandle, "token" | "fence">;

/** Every call that a proof is for. */
async function eachRefuses(wire: Wire, handle: LeaseHandle, refusal: Refusal): Promise<void> {
  await refusesCall(stand, wire, method.heartbeat, { handle, externalRef: CANARY }, refusal);
  await refusesCall(stand, wire, method.complete, { handle, result: RESULT }, refusal);
  for (const kind of [FailKind.RETRYABLE, FailKind.TERMINAL, FailKind.OUTCOME_UNKNOWN, FailKind.NOT_STARTED]) {
    await refusesCall(stand, wire, method.fail, { handle, kind, error: { message: CANARY } }, refusal);
  }
}

/** Nothing of what was refused has touched the record. */
async function isStillHeld(wire: Wire, held: LeaseHandle): Promise<void> {
  const { record } = await call(wire, method.getRecord, { key: held.key });
  expect(record).toMatchObject({ fence: held.fence, attempt: 1, externalRef: "" });
  await call(wire, method.heartbeat, { handle: held });
}

describe.each(DISTINCT_WIRES)("%s", (name) => {
  test.each([
    ["missing", new Uint8Array()],
    ["of 15 bytes", randomBytes(15)],
    ["of 17 bytes", randomBytes(17)],
    ["of a MiB", new Uint8Array(1 << 19)],
  ])(`${row(59)}: %s`, async (_, token) => {
    const wire = stand.wires[name];
    const held = await acquire(wire, { key: newKey() });
    await eachRefuses(wire, { ...held, token }, FIELD_INVALID("handle.token"));
    await isStillHeld(wire, held);
  });

  const proofs: readonly (readonly [string, (held: LeaseHandle) => Proof, Refusal])[] = [
    ["all zero", ({ fence }) => ({ fence, token: new Uint8Array(16) }), TOKEN_INVALID],
    ["random", ({ fence }) => ({ fence, token: randomBytes(16) }), TOKEN_INVALID],
    ["one bit off", ({ fence, token }) => ({ fence, token: token.with(15, (token[15] ?? 0) ^ 1) }), TOKEN_INVALID],
  ];
  test.each(proofs)(`${row(59)}: %s`, async (_, proofOf, refusal) => {
    const wire = stand.wires[name];
    const held = await acquire(wire, { key: newKey() });
    await eachRefuses(wire, { ...held, ...proofOf(held) }, refusal);
    await isStillHeld(wire, held);
  });

  const fences: readonly (readonly [string, (held: LeaseHandle) => Proof, Refusal])[] = [
    ["the right token, a lower fence", ({ token, fence }) => ({ token, fence: fence - 1n }), SUPERSEDED],
    ["the right token, fence 1", ({ token }) => ({ token, fence: 1n }), SUPERSEDED],
    ["the right token, a higher fence", ({ token, fence }) => ({ token, fence: fence + 1n }), TOKEN_INVALID],
    ["another token, a lower fence", ({ fence }) => ({ token: randomBytes(16), fence: fence - 1n }), SUPERSEDED],
    ["another token, a higher fence", ({ fence }) => ({ token: randomBytes(16), fence: fence + 1n }), TOKEN_INVALID],
  ];
  test.each(fences)(`${row(61)}: %s`, async (_, proofOf, refusal) => {
    const wire = stand.wires[name];
    // The second attempt: there are fences below it.
    const key = newKey();
    const first = await acquire(wire, { key });
    await call(wire, method.fail, { handle: first, kind: FailKind.NOT_STARTED });
    const held = await acquire(wire, { key });
    await eachRefuses(wire, { ...held, ...proofOf(held) }, refusal);
    await isStillHeld(wire, held);
  });

  test(`${row(62)}`, async () => {
    const wire = stand.wires[name];
    const held = await acquire(wire, { key: newKey() });
    for (const fence of [0n, -1n, -(2n ** 63n)]) {
      await eachRefuses(wire, { ...held, fence }, FIELD_INVALID("handle.fence"));
    }
    await eachRefuses(wire, { ...held, fence: FENCE_MAX }, TOKEN_INVALID);
    await isStillHeld(wire, held);
  });

  test(`${row(59)}, of a record that does not exist`, async () => {
    const handle = create(LeaseHandleSchema, { key: newKey(CANARY), token: randomBytes(16), fence: 1n });
    await eachRefuses(stand.wires[name], handle, NOT_FOUND);
  });

  test(`${row(64)} does not shorten the lease`, async () => {
    const wire = stand.wires[name];
    const lease = leaseOf(
      await call(wire, method.claim, { key: newKey(), claimId: newClaimId(), lease: { seconds: 600n } }),
    );
    const { handle } = lease;
    if (handle === undefined) throw new Error("a lease without a handle");
    const extended = await call(wire, method.heartbeat, { handle, lease: { seconds: 1n } });
    expect(extended.lease?.expireTime).toEqual(lease.expireTime);
    const { record } = await call(wire, method.getRecord, { key: handle.key });
    expect(record?.leaseExpireTime).toEqual(lease.expireTime);
  });

  test(`${row(65)} are answered or shed, and the lease is kept`, async () => {
    const wire = stand.wires[name];
    const held = await acquire(wire, { key: newKey() });
    const heartbeat = encode(wire, method.heartbeat, { handle: held, lease: { seconds: 60n } });
    const count = name === "gRPC" ? 500 : 100;
    const answers = await Promise.all(
      Array.from({ length: count }, () => wire.send(generic(method.heartbeat), heartbeat)),
    );
    const refused = answers.filter(({ code }) => code !== "OK").map(readRefusal);
    expect(refused).toEqual(
      refused.map(() => ({ code: "RESOURCE_EXHAUSTED", reason: "OVERLOADED", domain: "holdfast.v1", fields: [] })),
    );
    await isStillHeld(wire, held);
    const { outcome } = await call(wire, method.claim, { key: held.key, claimId: newClaimId() });
    expect(outcome).toBe(ClaimOutcome.IN_PROGRESS);
  });

  test(`${row(50)} are worth nothing here, and tell nothing`, async () => {
    const wire = stand.wires[name];
    await stand.sql.query("insert into holdfast.tenant (id) values ('other') on conflict do nothing");
    const { key } = newKey();
    const [claimId, scope] = [newClaimId(), "charge"];
    const mine = await acquire(wire, { key: { scope, key }, claimId });
    const theirKey = { tenant: "other", scope, key };
    await eachRefuses(wire, { ...mine, key: { ...mine.key, ...theirKey } } as LeaseHandle, NOT_FOUND);

    const claimed = await call(wire, method.claim, { key: theirKey, claimId });
    expect(claimed.detail.case === "acquired" && claimed.detail.value.reason).toBe(AcquireReason.NEW);
    const theirs = leaseOf(claimed).handle;
    if (theirs === undefined) throw new Error("a lease without a handle");
    expect(theirs.token).not.toEqual(mine.token);
    // Their record is younger; a fence is no secret, and orders within one record only.
    for (const [handle, key] of [
      [mine, theirs.key],
      [theirs, mine.key],
    ] as const) {
      const crossed = encode(wire, method.complete, { handle: { ...handle, key }, result: RESULT });
      const answer = await wire.send(generic(method.complete), crossed);
      expect(["LEASE_TOKEN_INVALID", "LEASE_SUPERSEDED"]).toContain(readRefusal(answer).reason);
      expect(answer.details.size).toBe(1);
      expect(answer.received).not.toContain(CANARY);
    }
    await isStillHeld(wire, mine);
    await isStillHeld(wire, theirs);
  });

  test(`${row(74)}: whatever the old holder says afterwards, it is told that it was superseded`, async () => {
    const wire = stand.wires[name];
    const key = newKey();
    const old = await acquire(wire, { key });
    await age(stand.sql, key, "1 minute");
    const taken = await call(wire, method.claim, { key, claimId: newClaimId() });
    expect(taken.detail.case === "acquired" && taken.detail.value.reason).toBe(AcquireReason.TAKEOVER);
    const { handle, attempt } = leaseOf(taken);
    expect(attempt).toBe(2);
    await eachRefuses(wire, old, SUPERSEDED);
    await call(wire, method.complete, { handle, result: { body: { case: "omittedReason", value: "newer" } } });
    await eachRefuses(wire, old, SUPERSEDED);
    const { result } = await call(wire, method.getRecord, { key, includeResult: true });
    expect(result?.body).toEqual({ case: "omittedReason", value: "newer" });
  });
});

test.each(['"9223372036854775808"', '"-9223372036854775809"', "1e19", '"1.5"', '"c4n4ry"', '""', "true"])(
  `${row(62)}, and beyond, in JSON: %s`,
  async (fence) => {
    const token = Buffer.alloc(16).toString("base64");
    const json = `{"handle":{"key":{"scope":"s","key":"${CANARY}"},"token":"${token}","fence":${fence}}}`;
    const wire = stand.wires["Connect JSON"];
    await refuses(stand, wire, generic(method.heartbeat), utf8(json), FIELD_INVALID("handle.fence"));
  },
);

livesOn(stand);

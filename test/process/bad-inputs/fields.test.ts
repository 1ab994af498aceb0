import { describe, expect, test } from "vitest";
import { AcquireReason, ClaimOutcome, FailKind, IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
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

// What is refused for its fields alone is in field-cases.ts, and asked in same-words.test.ts.

const digest = (bytes: number, fill = 7) => new Uint8Array(bytes).fill(fill);
const sha256 = (fill: number) => ({ algorithm: "sha-256", digest: digest(32, fill) });
const MISMATCH: Refusal = { code: "ALREADY_EXISTS", reason: "FINGERPRINT_MISMATCH" };

describe.each(DISTINCT_WIRES)("%s", (name) => {
  test(`${row(46)} is refused as long as anything is known of the record, and acquires afterwards`, async () => {
    const wire = stand.wires[name];
    const key = newKey();
    const policy = { resultRetention: { seconds: 60n }, tombstoneRetention: { seconds: 60n } };
    const first = () => ({ key, policy, fingerprint: sha256(1), claimId: newClaimId() });
    const mismatches = async () => {
      const others = [sha256(2), undefined, { ...sha256(1), digest: digest(64, 1) }];
      for (const fingerprint of others) {
        await refusesCall(stand, wire, method.claim, { key, fingerprint, claimId: newClaimId() }, MISMATCH);
      }
      await refusesCall(stand, wire, method.getRecord, { key, fingerprint: sha256(2) }, MISMATCH);
    };

    const live = await acquire(wire, first());
    await mismatches();
    await call(wire, method.fail, { handle: live, kind: FailKind.RETRYABLE });
    await mismatches();
    const again = await acquire(wire, first());
    await age(stand.sql, key, "1 minute");
    await mismatches();
    await call(wire, method.complete, { handle: again, result: { body: { case: "omittedReason", value: "" } } });
    await mismatches();
    await age(stand.sql, key, "61 seconds");
    expect((await call(wire, method.claim, first())).outcome).toBe(ClaimOutcome.EXPIRED);
    await mismatches();
    await age(stand.sql, key, "60 seconds");
    const anew = await call(wire, method.claim, { key, fingerprint: sha256(2), claimId: newClaimId() });
    expect(anew.detail.case === "acquired" && anew.detail.value.reason).toBe(AcquireReason.NEW);
    expect(leaseOf(anew).fence).toBeGreaterThan(again.fence);
  });

  test(`${row(49)} get the same lease, and one end`, async () => {
    const wire = stand.wires[name];
    const request = { key: newKey(), claimId: newClaimId() };
    const other = stand.wires.gRPC;
    const threads = [wire, other, wire, other, wire, other, wire, other];
    const leases = (await Promise.all(threads.map((thread) => call(thread, method.claim, request)))).map(leaseOf);
    const [handle] = leases.map(({ handle }) => handle);
    expect(leases.map(({ handle, attempt }) => ({ handle, attempt }))).toEqual(
      threads.map(() => ({ handle, attempt: 1 })),
    );

    const ends = await Promise.all(
      threads.map((thread, index) => {
        const result = { body: { case: "inline", value: digest(3, index) } } as const;
        return thread.send(generic(method.complete), encode(thread, method.complete, { handle, result }));
      }),
    );
    expect(ends.filter(({ code }) => code === "OK")).toHaveLength(1);
    const refused = ends.filter(({ code }) => code !== "OK").map(readRefusal);
    const conflict = { code: "FAILED_PRECONDITION", reason: "RESULT_CONFLICT", domain: "holdfast.v1", fields: [] };
    expect(refused).toEqual(refused.map(() => conflict));
    const kept = digest(
      3,
      ends.findIndex(({ code }) => code === "OK"),
    );
    const { result } = await call(wire, method.getRecord, { key: request.key, includeResult: true });
    expect(result?.body).toEqual({ case: "inline", value: kept });
  });

  test(`${row(1)}, or a checkpoint of 64 KiB and a byte, leaves the lease`, async () => {
    const wire = stand.wires[name];
    const held = await acquire(wire, { key: newKey() });
    const checkpoint = (bytes: number) => ({ handle: held, checkpoint: { sequence: 1n, data: digest(bytes) } });
    const refusal: Refusal = { code: "INVALID_ARGUMENT", reason: "CHECKPOINT_TOO_LARGE", fields: ["checkpoint.data"] };
    await refusesCall(stand, wire, method.heartbeat, checkpoint((1 << 16) + 1), refusal);
    await call(wire, method.heartbeat, checkpoint(1 << 16));
  });

  test.each([
    ["no number", Number.NaN],
    ["without end", Number.POSITIVE_INFINITY],
  ])(`${row(1)}, or progress that is %s`, async (_, fraction) => {
    const wire = stand.wires[name];
    const rpc = generic(method.heartbeat);
    const handle = { key: newKey(CANARY), token: digest(16), fence: 1n };
    const request = encode(wire, method.heartbeat, { handle, progress: { fraction, message: CANARY } });
    const answer = await wire.send(rpc, request);
    expect(readRefusal(answer)).toMatchObject({ code: "INVALID_ARGUMENT", reason: "FIELD_INVALID" });
    expect(new Set(readRefusal(answer).fields)).toEqual(new Set(["progress.fraction"]));
  });
});

/** What only JSON can say. The decoder stops at the first field. */
test.each([
  ["an unknown name of an enum", '{"intent": "CLAIM_INTENT_C4N4RY"}', ["intent"]],
  ["a number where text belongs", '{"claimId": 5}', ["claim_id"]],
  ["text where a number belongs", '{"policy": {"maxAttempts": "c4n4ry"}}', ["policy.max_attempts"]],
  ["a broken number", '{"policy": {"maxAttempts": 1.5}}', ["policy.max_attempts"]],
  ["a negative number", '{"policy": {"maxAttempts": -1}}', ["policy.max_attempts"]],
  ["a list where an object belongs", '{"owner": ["c4n4ry"]}', ["owner"]],
  ["bytes that are no base64", '{"fingerprint": {"digest": "c4n4ry!"}}', ["fingerprint.digest"]],
  ["null in a map", '{"metadata": {"c4n4ry": null}}', ["metadata"]],
  ["an object in a map", '{"metadata": {"c4n4ry": {}}}', ["metadata"]],
  ["a name twice", '{"claimId": "c4n4ry", "claimId": "c4n4ry"}', []],
  ["a name in both spellings", '{"claimId": "c4n4ry", "claim_id": "c4n4ry"}', ["claim_id"]],
  ["an unknown name inside", '{"owner": {"c4n4ry": 1}}', ["owner"]],
  ["a list instead of a message", '["c4n4ry"]', []],
  ["a word instead of a message", '"c4n4ry"', []],
  ["null instead of a message", "null", []],
  ["two messages", '{} {"c4n4ry": 1}', []],
  ["nothing at all", "", []],
])(`${row(10)}, and other shapes: %s`, async (_, json, fields) => {
  const wire: Wire = stand.wires["Connect JSON"];
  await refuses(stand, wire, generic(method.claim), utf8(json), FIELD_INVALID(...fields));
});

livesOn(stand);

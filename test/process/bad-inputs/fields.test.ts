import type { MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  AcquireReason,
  ClaimIntent,
  ClaimOutcome,
  type ClaimRequestSchema,
  FailKind,
  IdempotencyService,
  type LeaseExpiryPolicy,
  type ReusePolicy,
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
import { DISTINCT_WIRES, encode, type Method, utf8, type Wire } from "./wires.ts";

const { method } = IdempotencyService;
const stand = useStand();

type Claim = MessageInitShape<typeof ClaimRequestSchema>;

const digest = (bytes: number, fill = 7) => new Uint8Array(bytes).fill(fill);
const sha256 = (fill: number) => ({ algorithm: "sha-256", digest: digest(32, fill) });
const MISMATCH: Refusal = { code: "ALREADY_EXISTS", reason: "FINGERPRINT_MISMATCH" };

describe.each(DISTINCT_WIRES)("%s", (name) => {
  const claim = (init: Partial<Claim>) => ({ key: newKey(CANARY), claimId: newClaimId(), ...init }) as Claim;
  const handle = { key: newKey(CANARY), token: digest(16), fence: 1n };

  test.each<[string, Method, Refusal]>([
    ["Claim", generic(method.claim), FIELD_INVALID("key", "claim_id")],
    ["Heartbeat", generic(method.heartbeat), FIELD_INVALID("handle")],
    ["Complete", generic(method.complete), FIELD_INVALID("handle", "result")],
    ["Fail", generic(method.fail), FIELD_INVALID("handle", "kind")],
    ["GetRecord", generic(method.getRecord), FIELD_INVALID("key")],
    ["ResolveTenant", generic(method.resolveTenant), FIELD_INVALID("selector")],
  ])(`${row(1)}: %s`, async (_, rpc, refusal) => {
    const wire = stand.wires[name];
    const { message } = await refuses(stand, wire, rpc, encode(wire, rpc, {}), refusal);
    expect(message).toContain(`${refusal.fields?.[0]} must be set`);
  });

  test.each<[string, Claim["fingerprint"], string]>([
    ["1 byte", { algorithm: CANARY, digest: digest(1) }, "fingerprint.digest"],
    ["15 bytes", { algorithm: CANARY, digest: digest(15) }, "fingerprint.digest"],
    ["65 bytes", { algorithm: CANARY, digest: digest(65) }, "fingerprint.digest"],
    ["a digest without algorithm", { digest: digest(32) }, "fingerprint.algorithm"],
    ["an algorithm without digest", { algorithm: CANARY }, "fingerprint.digest"],
    [
      "an algorithm of 33 bytes",
      { algorithm: CANARY.repeat(6).slice(0, 33), digest: digest(32) },
      "fingerprint.algorithm",
    ],
    ["U+0000 in the algorithm", { algorithm: `${CANARY}\0`, digest: digest(32) }, "fingerprint.algorithm"],
  ])(`${row(44)}: %s`, async (_, fingerprint, field) => {
    const wire = stand.wires[name];
    await refusesCall(stand, wire, method.claim, claim({ fingerprint }), FIELD_INVALID(field));
    await refusesCall(stand, wire, method.getRecord, { key: newKey(), fingerprint }, FIELD_INVALID(field));
  });

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

  test.each([
    ["missing", ""],
    ["of 15 bytes", CANARY.repeat(3).slice(0, 15)],
    ["of 65 bytes", CANARY.repeat(11).slice(0, 65)],
    ["of 33 letters of two bytes", "é".repeat(33)],
    ["with U+0000", `${CANARY.repeat(3)}\0`],
    ["with U+0000 at its beginning", `\0${CANARY.repeat(3)}`],
  ])(`${row(47)}: %s`, async (_, claimId) => {
    await refusesCall(stand, stand.wires[name], method.claim, claim({ claimId }), FIELD_INVALID("claim_id"));
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

  test.each<[string, Claim, readonly string[]]>([
    ["an unknown intent", { intent: 9 as ClaimIntent }, ["intent"]],
    ["a negative intent", { intent: -1 as ClaimIntent }, ["intent"]],
    ["an unknown reuse", { reuse: 77 as ReusePolicy }, ["reuse"]],
    ["an unknown policy", { policy: { onLeaseExpiry: 3 as LeaseExpiryPolicy } }, ["policy.on_lease_expiry"]],
    ["1001 attempts", { policy: { maxAttempts: 1001 } }, ["policy.max_attempts"]],
    ["4294967295 attempts", { policy: { maxAttempts: 2 ** 32 - 1 } }, ["policy.max_attempts"]],
    [
      "an owner of 257 bytes",
      { owner: { service: CANARY.repeat(43), instance: "é".repeat(129) } },
      ["owner.service", "owner.instance"],
    ],
    ["an external_ref of 257 bytes", { externalRef: CANARY.repeat(43) }, ["external_ref"]],
    ["an external_ref with U+0000", { externalRef: `${CANARY}\0` }, ["external_ref"]],
    ["metadata of 4097 bytes", { metadata: { [CANARY]: CANARY.repeat(682) } }, ["metadata"]],
    ["a wait of a reconciler", { intent: ClaimIntent.RECONCILE, wait: { nanos: 1 } }, ["wait"]],
  ])(`${row(1)}, or one that says what there is not: %s`, async (_, init, fields) => {
    await refusesCall(stand, stand.wires[name], method.claim, claim(init), FIELD_INVALID(...fields));
  });

  test(`${row(1)}, or one in which everything is wrong, names every field`, async () => {
    const everything = {
      ...{ key: { tenant: `${CANARY}\0` }, claimId: CANARY, intent: 9 as ClaimIntent, reuse: 9 as ReusePolicy },
      ...{ lease: { seconds: 0n }, wait: { seconds: 61n }, fingerprint: { algorithm: CANARY } },
    };
    const fields = [
      "key.tenant",
      "key.scope",
      "key.key",
      "claim_id",
      "intent",
      "reuse",
      "fingerprint.digest",
      "lease",
      "wait",
    ];
    await refusesCall(stand, stand.wires[name], method.claim, everything, FIELD_INVALID(...fields));
  });

  test.each([
    ["a sequence of 0", { sequence: 0n, name: CANARY }, "sequence"],
    ["a sequence of 2^63", { sequence: 2n ** 63n, name: CANARY }, "sequence"],
    ["a name of 257 bytes", { sequence: 1n, name: CANARY.repeat(43) }, "name"],
    ["a content type of 257 bytes", { sequence: 1n, contentType: CANARY.repeat(43) }, "content_type"],
  ])(`${row(1)}, or a checkpoint with %s`, async (_, checkpoint, field) => {
    const wire = stand.wires[name];
    const refusal = FIELD_INVALID(`checkpoint.${field}`);
    await refusesCall(stand, wire, method.heartbeat, { handle, checkpoint }, refusal);
    await refusesCall(stand, wire, method.fail, { handle, kind: FailKind.RETRYABLE, checkpoint }, refusal);
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
    ["more than 1", 1.5],
    ["less than 0", -0.1],
    ["no number", Number.NaN],
    ["without end", Number.POSITIVE_INFINITY],
  ])(`${row(1)}, or progress that is %s`, async (_, fraction) => {
    const wire = stand.wires[name];
    const rpc = generic(method.heartbeat);
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

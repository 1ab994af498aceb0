import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  ClaimIntent,
  ClaimRequestSchema,
  CompleteRequestSchema,
  FailKind,
  FailRequestSchema,
  GetRecordRequestSchema,
  HeartbeatRequestSchema,
  type LeaseExpiryPolicy,
  type ReusePolicy,
  WaitForRequestSchema,
  type WaitMode,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { toRpcError } from "../../../src/rpc/status.ts";
import { quietContext } from "./bundle.ts";
import {
  claim,
  claimWith,
  complete,
  completeWith,
  digest,
  entries,
  fail,
  failWith,
  faultOf,
  getRecord,
  handle,
  heartbeat,
  heartbeatWith,
  inline,
  key,
  resolveWith,
  seconds,
  waitFor,
  waitForWith,
} from "./validating.ts";

describe("a field that is missing or malformed is FIELD_INVALID and named", () => {
  test.each<[string, () => void, readonly string[]]>([
    ["an empty Claim", () => claim(create(ClaimRequestSchema)), ["key", "claim_id"]],
    ["an empty Heartbeat", () => heartbeat(create(HeartbeatRequestSchema)), ["handle"]],
    ["an empty Complete", () => complete(create(CompleteRequestSchema)), ["handle", "result"]],
    ["an empty Fail", () => fail(create(FailRequestSchema)), ["handle", "kind"]],
    ["an empty GetRecord", () => getRecord(create(GetRecordRequestSchema)), ["key"]],
    ["an empty WaitFor", () => waitFor(create(WaitForRequestSchema)), ["targets"]],
    ["an empty ResolveTenant", resolveWith(undefined), ["selector"]],
    ["an empty key", claimWith({ key: {} }), ["key.scope", "key.key"]],
    ["a scope of 129 bytes", claimWith({ key: { scope: "s".repeat(129), key: "k" } }), ["key.scope"]],
    ["a scope of 65 two-byte letters", claimWith({ key: { scope: "é".repeat(65), key: "k" } }), ["key.scope"]],
    ["a key of 513 bytes", claimWith({ key: { scope: "s", key: "k".repeat(513) } }), ["key.key"]],
    ["a key of 1 MB", claimWith({ key: { scope: "s", key: "k".repeat(1_000_000) } }), ["key.key"]],
    ["a tenant of 64 bytes", claimWith({ key: { ...key, tenant: "t".repeat(64) } }), ["key.tenant"]],
    ["U+0000 in a scope", claimWith({ key: { scope: "a\0b", key: "k" } }), ["key.scope"]],
    ["U+0000 in a key", claimWith({ key: { scope: "a", key: "\0" } }), ["key.key"]],
    ["U+0000 in a tenant", claimWith({ key: { ...key, tenant: "a\0" } }), ["key.tenant"]],
    ["a claim_id of 15 bytes", claimWith({ claimId: "c".repeat(15) }), ["claim_id"]],
    ["a claim_id of 65 bytes", claimWith({ claimId: "c".repeat(65) }), ["claim_id"]],
    ["a claim_id with U+0000", claimWith({ claimId: `\0${"c".repeat(20)}` }), ["claim_id"]],
    ...[1, 15, 65].map((length): [string, () => void, readonly string[]] => [
      `a fingerprint of ${length} bytes`,
      claimWith({ fingerprint: { algorithm: "sha-256", digest: digest(length) } }),
      ["fingerprint.digest"],
    ]),
    ["a digest without algorithm", claimWith({ fingerprint: { digest: digest(32) } }), ["fingerprint.algorithm"]],
    ["an algorithm without digest", claimWith({ fingerprint: { algorithm: "sha-256" } }), ["fingerprint.digest"]],
    [
      "an algorithm of 33 bytes",
      claimWith({ fingerprint: { algorithm: "a".repeat(33), digest: digest(32) } }),
      ["fingerprint.algorithm"],
    ],
    ["an unknown intent", claimWith({ intent: 9 as ClaimIntent }), ["intent"]],
    ["a negative intent", claimWith({ intent: -1 as ClaimIntent }), ["intent"]],
    ["an unknown reuse", claimWith({ reuse: 4 as ReusePolicy }), ["reuse"]],
    [
      "an unknown expiry policy",
      claimWith({ policy: { onLeaseExpiry: 3 as LeaseExpiryPolicy } }),
      ["policy.on_lease_expiry"],
    ],
    ["1001 attempts", claimWith({ policy: { maxAttempts: 1001 } }), ["policy.max_attempts"]],
    [
      "an owner of 257 bytes",
      claimWith({ owner: { service: "s".repeat(257), instance: "i".repeat(257) } }),
      ["owner.service", "owner.instance"],
    ],
    ["an external_ref of 257 bytes", claimWith({ externalRef: "r".repeat(257) }), ["external_ref"]],
    ["an external_ref with U+0000", heartbeatWith({ externalRef: "r\0" }), ["external_ref"]],
    ["claim metadata over 4 KiB", claimWith({ metadata: entries(5, 1000) }), ["metadata"]],
    ["RECONCILE with a wait", claimWith({ intent: ClaimIntent.RECONCILE, wait: seconds(1) }), ["wait"]],
    ["a token that is missing", heartbeatWith({ handle: { key, fence: 1n } }), ["handle.token"]],
    ["a token of 15 bytes", heartbeatWith({ handle: { ...handle, token: digest(15) } }), ["handle.token"]],
    ["a token of 17 bytes", heartbeatWith({ handle: { ...handle, token: digest(17) } }), ["handle.token"]],
    ["a fence of 0", heartbeatWith({ handle: { ...handle, fence: 0n } }), ["handle.fence"]],
    ["a negative fence", heartbeatWith({ handle: { ...handle, fence: -1n } }), ["handle.fence"]],
    ["a handle without key", heartbeatWith({ handle: { token: digest(16), fence: 1n } }), ["handle.key"]],
    [
      "a handle's scope of 129 bytes",
      heartbeatWith({ handle: { ...handle, key: { scope: "s".repeat(129), key: "k" } } }),
      ["handle.key.scope"],
    ],
    ["a checkpoint of sequence 0", heartbeatWith({ checkpoint: { sequence: 0n } }), ["checkpoint.sequence"]],
    ["a checkpoint of sequence 2^63", heartbeatWith({ checkpoint: { sequence: 2n ** 63n } }), ["checkpoint.sequence"]],
    [
      "a checkpoint's name of 257 bytes",
      failWith({ checkpoint: { sequence: 1n, name: "n".repeat(257) } }),
      ["checkpoint.name"],
    ],
    ["progress over 1", heartbeatWith({ progress: { fraction: 1.5 } }), ["progress.fraction"]],
    [
      "progress that is no number",
      heartbeatWith({ progress: { fraction: Number.NaN } }),
      ["progress.fraction", "progress.fraction"],
    ],
    ["a result without body", completeWith({ contentType: "text/plain" }), ["result.body"]],
    [
      "result metadata of 10 000 entries",
      completeWith({ ...inline(digest(1)), metadata: entries(10_000, 1) }),
      ["result.metadata"],
    ],
    [
      "result metadata with a name of 1 MiB",
      completeWith({ ...inline(digest(1)), metadata: { ["n".repeat(1 << 20)]: "" } }),
      ["result.metadata"],
    ],
    ["a reference without uri", completeWith({ body: { case: "reference", value: {} } }), ["result.reference.uri"]],
    [
      "a reference with half a digest and a negative size",
      completeWith({ body: { case: "reference", value: { uri: "s3://b/k", sha256: digest(16), sizeBytes: -1n } } }),
      ["result.reference.sha256", "result.reference.size_bytes"],
    ],
    ["a kind of fail that is not set", failWith({ kind: FailKind.UNSPECIFIED }), ["kind"]],
    ["an unknown kind of fail", failWith({ kind: 77 as FailKind }), ["kind"]],
    ["a delay for good", failWith({ kind: FailKind.TERMINAL, delay: seconds(1) }), ["delay"]],
    ["101 targets", waitForWith({ targets: Array.from({ length: 101 }, () => ({ key })) }), ["targets"]],
    ["an unknown mode", waitForWith({ mode: 3 as WaitMode }), ["mode"]],
    ["a target without key", waitForWith({ targets: [{ key }, {}] }), ["targets[1].key"]],
    [
      "a target's digest without algorithm",
      waitForWith({ targets: [{ key, fingerprint: { digest: digest(32) } }] }),
      ["targets[0].fingerprint.algorithm"],
    ],
    ["an empty tenant id", resolveWith({ case: "tenantId", value: "" }), ["tenant_id"]],
    ["an empty host", resolveWith({ case: "host", value: {} }), ["host.host"]],
    ["a host of 10 KiB", resolveWith({ case: "host", value: { host: "h".repeat(10_240) } }), ["host.host"]],
  ])("%s", (_, act, fields) => {
    const fault = faultOf(act);
    expect(fault.code).toBe("FIELD_INVALID");
    expect(fault.violations.map(({ field }) => field)).toEqual(fields);
    for (const { allowed } of fault.violations) expect(fault.message.includes(allowed) || fields.length > 3).toBe(true);
  });
});

describe("of several kinds of violation", () => {
  test("malformed wins over out of range, and both fields are named", () => {
    const fault = faultOf(claimWith({ claimId: "short", lease: seconds(0), policy: { resultRetention: seconds(59) } }));
    expect(fault.code).toBe("FIELD_INVALID");
    expect(fault.violations.map(({ field }) => field)).toEqual(["claim_id", "lease", "policy.result_retention"]);
    expect(fault.message).toBe("claim_id must be at least 16 bytes");
  });

  test("too large wins over out of range", () => {
    const fault = faultOf(failWith({ error: { message: "e".repeat(1 << 15) }, delay: seconds(-1) }));
    expect(fault.code).toBe("ERROR_TOO_LARGE");
    expect(fault.violations.map(({ field }) => field)).toEqual(["delay", "error"]);
  });

  test("the message names three fields and counts the rest", () => {
    const fault = faultOf(() =>
      claim(create(ClaimRequestSchema, { key: {}, intent: 9 as ClaimIntent, reuse: 9 as ReusePolicy })),
    );
    expect(fault.violations).toHaveLength(5);
    expect(fault.message).toMatch(/^key\.scope must not be empty; .*; and 2 more$/);
  });
});

test("a violation says what is allowed", () => {
  const allowed = (act: () => void) => faultOf(act).violations[0]?.allowed;
  expect(allowed(failWith({ kind: 77 as FailKind }))).toBe(
    "must be one of FAIL_KIND_RETRYABLE, FAIL_KIND_TERMINAL, FAIL_KIND_OUTCOME_UNKNOWN, FAIL_KIND_NOT_STARTED",
  );
  expect(allowed(completeWith({}))).toBe("must be set, to one of inline, reference, omitted_reason");
  expect(allowed(claimWith({ key: { scope: "\0", key: "k" } }))).toBe("must not contain U+0000");
  expect(allowed(() => claim(create(ClaimRequestSchema, { claimId: "c".repeat(16) })))).toBe("must be set");
});

test("no violation echoes what was sent", () => {
  const secret = "hunter2".repeat(100);
  const acts = [
    claimWith({
      key: { tenant: secret, scope: secret, key: secret },
      claimId: secret,
      fingerprint: { algorithm: secret },
      owner: { service: secret, instance: secret },
      metadata: { [secret.repeat(10)]: secret },
      externalRef: secret,
    }),
    completeWith({ body: { case: "reference", value: { uri: secret.repeat(10) } }, contentType: secret }),
    heartbeatWith({ progress: { message: secret }, checkpoint: { name: secret, contentType: secret } }),
    failWith({ error: { message: secret.repeat(100) } }),
    resolveWith({ case: "host", value: { host: secret, path: secret.repeat(10) } }),
  ];
  for (const act of acts) {
    const { status, message } = toRpcError(faultOf(act), quietContext(), () => 0);
    expect(message).not.toContain("hunter2");
    expect(Buffer.from(status).toString("latin1")).not.toContain("hunter2");
  }
});

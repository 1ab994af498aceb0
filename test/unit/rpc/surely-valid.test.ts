import { create, type DescMessage, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AdminService } from "../../../gen/holdfast/v1/admin_pb.ts";
import {
  ClaimRequestSchema,
  CompleteRequestSchema,
  FailKind,
  FailRequestSchema,
  GetRecordRequestSchema,
  HeartbeatRequestSchema,
  WaitForRequestSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { ResolveTenantRequestSchema } from "../../../gen/holdfast/v1/tenant_pb.ts";
import { createSurelyValid } from "../../../src/rpc/surely-valid.ts";
import { withoutDurationRules } from "../../../src/rpc/validation-schema.ts";
import { anyMessage, mutated } from "./random-messages.ts";
import { digest, entries, handle, inline, key } from "./validating.ts";

const validator = createValidator();
const of = <Desc extends DescMessage>(desc: Desc, init: MessageInitShape<Desc>) =>
  [desc.name, desc, create(desc, init)] as const;

const checkpoint = { name: "charged", sequence: 3n, data: digest(16), contentType: "text/plain" };
const fingerprint = { algorithm: "jcs-sha256", digest: digest(32) };
const reference = { uri: "s3://bucket/object", sha256: digest(32), sizeBytes: 5n };

const valid = [
  of(ClaimRequestSchema, {
    ...{ key, claimId: "c".repeat(36), fingerprint, lease: { seconds: 30n }, wait: { seconds: 1n } },
    ...{ owner: { service: "billing", instance: "pod-7" }, metadata: entries(2, 3), externalRef: "pi_1" },
    policy: { maxAttempts: 3, onLeaseExpiry: 2, resultRetention: { seconds: 60n } },
    ...{ intent: 1, reuse: 2 },
  }),
  of(HeartbeatRequestSchema, { handle, checkpoint, progress: { fraction: 0.5, message: "half" }, externalRef: "pi_1" }),
  of(CompleteRequestSchema, {
    handle,
    result: { ...inline(digest(64)), contentType: "text/plain", metadata: entries(1, 9) },
  }),
  of(CompleteRequestSchema, { handle, result: { body: { case: "reference", value: reference } } }),
  of(FailRequestSchema, { handle, kind: FailKind.RETRYABLE, error: { code: 14, message: "down" }, checkpoint }),
  of(GetRecordRequestSchema, { key, fingerprint, includeResult: true }),
  of(WaitForRequestSchema, { targets: [{ key }, { key, fingerprint }], mode: 2 }),
  of(ResolveTenantRequestSchema, { selector: { case: "tenantId", value: "acme" } }),
];

describe.each(valid)("%s", (_, desc, base) => {
  const ruled = withoutDurationRules(desc);
  const isSurelyValid = createSurelyValid(ruled);
  const isValid = (message: Message) => validator.validate(ruled, message).kind === "valid";

  test("is known to be valid without a judge", () => {
    expect(isValid(base)).toBe(true);
    expect(isSurelyValid(base)).toBe(true);
  });

  test("is called valid exactly when the judge calls it so", () => {
    const isAgreed = (message: Message) => isSurelyValid(message) === isValid(message);
    fc.assert(fc.property(mutated(desc, base), isAgreed), { numRuns: 2000 });
    fc.assert(fc.property(anyMessage(desc), isAgreed), { numRuns: 100 });
  });
});

test("a message with a rule that it does not know is left to the judge, valid or not", () => {
  const patterned = AdminService.method.getTenant.input;
  expect(createSurelyValid(patterned)(create(patterned, { tenantId: "acme" }))).toBe(false);
});

test.each(AdminService.methods)("no message of $name is called valid that is not", ({ input }) => {
  const ruled = withoutDurationRules(input);
  const isSurelyValid = createSurelyValid(ruled);
  const isSound = (message: Message) => !isSurelyValid(message) || validator.validate(ruled, message).kind === "valid";
  fc.assert(fc.property(anyMessage(input), isSound), { numRuns: 50 });
});

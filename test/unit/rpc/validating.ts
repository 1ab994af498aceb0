import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import type { DurationSchema } from "@bufbuild/protobuf/wkt";
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
import { Fault } from "../../../src/domain/fault.ts";
import * as ruleSet from "../../../src/rpc/rules.ts";
import { createValidate } from "../../../src/rpc/validate.ts";

export const claim = createValidate(ClaimRequestSchema, ruleSet.claimRules);
export const heartbeat = createValidate(HeartbeatRequestSchema, ruleSet.heartbeatRules);
export const complete = createValidate(CompleteRequestSchema, ruleSet.completeRules);
export const fail = createValidate(FailRequestSchema, ruleSet.failRules);
export const getRecord = createValidate(GetRecordRequestSchema, ruleSet.getRecordRules);
export const waitFor = createValidate(WaitForRequestSchema, ruleSet.waitForRules);
export const resolveTenant = createValidate(ResolveTenantRequestSchema, ruleSet.noRules);

export type Init<Desc extends DescMessage> = Extract<MessageInitShape<Desc>, { readonly $typeName?: never }>;
export type DurationInit = MessageInitShape<typeof DurationSchema>;

export const key = { scope: "charge", key: "evt_1" };
export const handle = { key, token: new Uint8Array(16).fill(7), fence: 1n };
export const digest = (length: number) => new Uint8Array(length).fill(1);
export const seconds = (value: number): DurationInit => ({ seconds: BigInt(value) });

export function claimWith(more: Init<typeof ClaimRequestSchema>): () => void {
  return () => claim(create(ClaimRequestSchema, { key, claimId: "c".repeat(16), ...more }));
}
export function heartbeatWith(more: Init<typeof HeartbeatRequestSchema>): () => void {
  return () => heartbeat(create(HeartbeatRequestSchema, { handle, ...more }));
}
export function completeWith(result: Init<typeof CompleteRequestSchema>["result"]): () => void {
  return () => complete(create(CompleteRequestSchema, { handle, ...(result === undefined ? {} : { result }) }));
}
export function failWith(more: Init<typeof FailRequestSchema>): () => void {
  return () => fail(create(FailRequestSchema, { handle, kind: FailKind.RETRYABLE, ...more }));
}
export function waitForWith(more: Init<typeof WaitForRequestSchema>): () => void {
  return () => waitFor(create(WaitForRequestSchema, { targets: [{ key }], ...more }));
}
export function resolveWith(selector: Init<typeof ResolveTenantRequestSchema>["selector"]): () => void {
  return () => resolveTenant(create(ResolveTenantRequestSchema, selector === undefined ? {} : { selector }));
}

export function faultOf(act: () => void): Fault {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown;
    throw thrown;
  }
  throw new Error("expected a fault");
}

export const inline = (value: Uint8Array) => ({ body: { case: "inline" as const, value } });

export const entries = (count: number, size: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`name-${i}`, "v".repeat(size)]));

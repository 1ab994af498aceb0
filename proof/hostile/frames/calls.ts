import { create, toBinary } from "@bufbuild/protobuf";
import { ClaimRequestSchema, IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { pathOf } from "../../../src/server/service-definition.ts";
import { envelope } from "../../../test/process/bad-inputs/answer.ts";
import type { Target } from "./attack.ts";
import { callHeaders, data, FLAG, type HeaderList, headerBlock, headers } from "./frame.ts";

const { method } = IdempotencyService;

export const CLAIM_PATH = pathOf(method.claim);
export const SESSION_PATH = pathOf(method.session);
export const RECORD_PATH = pathOf(method.getRecord);
export const WAIT_PATH = pathOf(method.waitFor);

/** The header block of a call that gets past the door. */
export function callBlock({ authorization }: Target, path: string, more: HeaderList = []): Buffer {
  return headerBlock(callHeaders(path, [["authorization", authorization], ...more]));
}

/** A claim, enveloped. All of an attack's claims are of few keys: what it leaves behind is bounded. */
export function claimBody({ chance }: Pick<Target, "chance">): Buffer {
  const key = { scope: "hostile", key: `flood-${chance.whole(0, 99)}` };
  const claimId = `hostile-${chance.whole(10 ** 8, 10 ** 9)}`;
  return envelope(toBinary(ClaimRequestSchema, create(ClaimRequestSchema, { key, claimId })));
}

/** A whole unary call in two frames. */
export function call(target: Target, stream: number, path = CLAIM_PATH, body: Buffer = claimBody(target)): Buffer {
  return Buffer.concat([headers(stream, callBlock(target, path), FLAG.endHeaders), data(stream, body)]);
}

import { Code } from "@connectrpc/connect";
import type { LeaseHandle } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { encodeContent, type Serializer } from "./content.ts";
import { HoldfastError } from "./errors.ts";
import { RESULT_BYTES_MAX } from "./limits.ts";

/** A statement and its arguments, as `query` of node-postgres takes it, and `sql.unsafe(text, values)` of postgres.js. */
export interface Statement {
  readonly text: string;
  readonly values: (string | Uint8Array)[];
}

const TEXT = "select * from holdfast.complete_in_transaction($1, $2, $3, $4, $5, $6, $7)";

/**
 * What completes the attempt in a transaction of the caller's own, with the bytes that `once` stores for the same value:
 * the completion that `once` sends afterwards is then a repeat. The statement itself may not be repeated by another
 * transaction: that is refused with SQLSTATE LF010, and the first end stands.
 *
 * @throws TypeError for a value that cannot be encoded; HoldfastError RESULT_TOO_LARGE
 */
export function completionOf<T>({ key, token, fence }: LeaseHandle, value: T, serializer?: Serializer<T>): Statement {
  if (key === undefined) throw new HoldfastError("the lease has no record's name", { reason: "ANSWER_INCOMPLETE" });
  const { bytes, contentType } =
    serializer === undefined
      ? encodeContent(value)
      : { bytes: serializer.encode(value), contentType: serializer.contentType };
  if (bytes.length > RESULT_BYTES_MAX) {
    const message = `the result has ${bytes.length} bytes, and ${RESULT_BYTES_MAX} is the limit`;
    throw new HoldfastError(message, { reason: "RESULT_TOO_LARGE", code: Code.InvalidArgument });
  }
  return { text: TEXT, values: [key.tenant, key.scope, key.key, token, String(fence), bytes, contentType] };
}

import type {
  PurgeRecordsRequest,
  PurgeRecordsRequestSchema,
  PurgeRecordsResponseSchema,
} from "../../../gen/holdfast/v1/operator_pb.ts";
import type { PurgeRecords, PurgeRecordsInput } from "../../operations/admin/records/purge.ts";
import type { UnaryHandler } from "../pipeline.ts";

export function createPurgeRecordsHandler(
  purgeRecords: PurgeRecords,
): UnaryHandler<typeof PurgeRecordsRequestSchema, typeof PurgeRecordsResponseSchema> {
  return async ({ tenantId, target, force, reason }, caller) => {
    const { purged, held, more } = await purgeRecords(caller, { tenant: tenantId, ...targetOf(target), force, reason });
    return { purged: BigInt(purged), held: BigInt(held), more };
  };
}

function targetOf(target: PurgeRecordsRequest["target"]): Pick<PurgeRecordsInput, "scope" | "key"> {
  switch (target.case) {
    case "key":
      return { scope: target.value.scope, key: target.value.key };
    case "scope":
      return { scope: target.value, key: null };
    case "all":
      return { scope: null, key: null };
    case undefined:
      throw new Error("bug: validation lets no request without target through");
  }
}

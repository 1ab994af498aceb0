import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { AdminService } from "../../gen/holdfast/v1/admin_pb.ts";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Rpc } from "./runtime.ts";

/** The typed calls of AdminService as they are. They throw ConnectError; `toHoldfastError` decodes its reason. */
export type AdminClient = Client<typeof AdminService>;

export function createAdminClient(transport: Transport): AdminClient {
  return createClient(AdminService, transport);
}

/** The same of IdempotencyService, for programs that look at single calls. */
export function createRecordClient(transport: Transport): Rpc {
  return createClient(IdempotencyService, transport);
}

import type {
  ListTenantsRequestSchema,
  ListTenantsResponse,
  ListTenantsResponseSchema,
} from "../../../gen/holdfast/v1/admin_pb.ts";
import { Fault } from "../../domain/fault.ts";
import type { ListTenants } from "../../operations/admin/tenants/list.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { toTenant } from "../wire/registration.ts";

const PAGE_SIZE_DEFAULT = 100;

export function createListTenantsHandler(
  listTenants: ListTenants,
): UnaryHandler<typeof ListTenantsRequestSchema, typeof ListTenantsResponseSchema> {
  return async ({ pageSize, pageToken }, caller) => {
    const { tenants, lastId } = await listTenants(caller, idOf(pageToken), pageSize || PAGE_SIZE_DEFAULT);
    return { tenants: tenants.map(toTenant), nextPageToken: lastId === null ? "" : tokenOf(lastId) };
  };
}

/** About: what a tenant has of any length are the addresses of its registration. */
export function listTenantsBytes({ tenants }: ListTenantsResponse): number {
  let bytes = 0;
  for (const { registration } of tenants) {
    bytes += 256;
    for (const { host, path } of registration?.hosts ?? []) bytes += host.length + path.length;
    for (const each of registration?.issuers ?? []) bytes += each.issuer.length + each.jwksUrl.length;
  }
  return bytes;
}

/** Opaque to callers, so that it may one day be something else. */
function tokenOf(id: string): string {
  return Buffer.from(id).toString("base64url");
}

function idOf(token: string): string {
  const id = Buffer.from(token, "base64url").toString();
  if (token === "" || (/^[a-z0-9-]{1,63}$/.test(id) && tokenOf(id) === token)) return id;
  const allowed = "must be the next_page_token of a page, or empty";
  throw new Fault("FIELD_INVALID", `page_token ${allowed}`, { violations: [{ field: "page_token", allowed }] });
}

import type { StoredTenant, TenantTable } from "../../../tenants/table.ts";
import type { Caller } from "../../access.ts";
import { requireOperator } from "./access.ts";
import { type SeenHere, type TenantView, viewOf } from "./view.ts";

export interface ListTenantsDeps {
  readonly table: Pick<TenantTable, "read" | "list">;
  readonly tenants: SeenHere;
}

export interface TenantPage {
  /** By id. */
  readonly tenants: readonly TenantView[];
  /** Whose id the next page begins after; null on the last page. */
  readonly lastId: string | null;
}

/** `limit` at most, and fewer when they are large: a page goes into one message. */
export type ListTenants = (caller: Caller, afterId: string, limit: number) => Promise<TenantPage>;

/** Half of what a gRPC client takes by default, for they are larger as text than as a message. */
const PAGE_BYTES_MAX = 2 * 1024 * 1024;

/** A registration can have a hundred kilobytes, and a thousand of them are not to be in memory at once. */
const READ_AT_ONCE = 100;

/** A credential of one tenant is told of that one. */
export function createListTenants({ table, tenants }: ListTenantsDeps): ListTenants {
  return async ({ principal, deadline }, afterId, limit) => {
    requireOperator(principal);
    if (principal.tenant !== null) {
      const own = principal.tenant > afterId ? await table.read(principal.tenant, deadline) : null;
      return { tenants: own === null ? [] : [viewOf(own, tenants)], lastId: null };
    }
    const page: StoredTenant[] = [];
    let bytes = 0;
    for (let after = afterId; ; ) {
      // One more than fits, to know whether there is a next page.
      const wanted = Math.min(READ_AT_ONCE, limit - page.length + 1);
      const found = await table.list(after, wanted, deadline);
      for (const stored of found) {
        bytes += sizeOf(stored);
        if (page.length === limit || (page.length > 0 && bytes > PAGE_BYTES_MAX)) return pageOf(page, true, tenants);
        page.push(stored);
      }
      if (found.length < wanted) return pageOf(page, false, tenants);
      after = found.at(-1)?.registration.id ?? after;
    }
  };
}

function pageOf(page: readonly StoredTenant[], more: boolean, tenants: ListTenantsDeps["tenants"]): TenantPage {
  const lastId = more ? (page.at(-1)?.registration.id ?? null) : null;
  return { tenants: page.map((stored) => viewOf(stored, tenants)), lastId };
}

/** What is of any length; the rest of a tenant is small. */
function sizeOf({ registration: { displayName, agentUrl, validator, hosts, issuers } }: StoredTenant): number {
  return 512 + Buffer.byteLength(JSON.stringify([displayName, agentUrl, validator, hosts, issuers]));
}

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ApiKeySchema, Role as RoleProto } from "../../../gen/holdfast/v1/admin_pb.ts";
import type { ApiKey } from "../../auth/api-keys.ts";
import type { Role } from "../../auth/authenticator.ts";
import { Fault } from "../../domain/fault.ts";
import { toTimestamp } from "./time.ts";

const ROLES = {
  claim: RoleProto.CLAIM,
  read: RoleProto.READ,
  operate: RoleProto.OPERATE,
  admin: RoleProto.ADMIN,
} as const satisfies Record<Role, RoleProto>;

const ROLE_NAMES = Object.keys(ROLES) as readonly Role[];

export function rolesOf(roles: readonly RoleProto[]): ReadonlySet<Role> {
  return new Set(roles.map(roleOf));
}

function roleOf(role: RoleProto): Role {
  const name = ROLE_NAMES.find((candidate) => ROLES[candidate] === role);
  if (name === undefined) throw new Error("bug: validation lets no other role through");
  return name;
}

/** In the order of the proto. */
export function toRoles(roles: ReadonlySet<Role>): RoleProto[] {
  return ROLE_NAMES.filter((name) => roles.has(name)).map((name) => ROLES[name]);
}

export function toApiKey(key: ApiKey): MessageInitShape<typeof ApiKeySchema> {
  return {
    keyId: key.id,
    tenantId: key.tenant ?? "",
    roles: toRoles(key.roles),
    displayName: key.displayName,
    createTime: toTimestamp(key.createTime),
    expireTime: key.expireTime === null ? undefined : toTimestamp(key.expireTime),
    revokeTime: key.revokeTime === null ? undefined : toTimestamp(key.revokeTime),
  };
}

/** Opaque to callers, so that it may one day be something else. */
export function toPageToken(lastId: string | null): string {
  return lastId === null ? "" : Buffer.from(lastId).toString("base64url");
}

/** The id that a page begins after; empty for the first page. */
export function afterIdOf(token: string): string {
  const id = Buffer.from(token, "base64url").toString();
  if (token === "" || (/^[A-Za-z0-9_-]{8,64}$/.test(id) && toPageToken(id) === token)) return id;
  const allowed = "must be the next_page_token of a page, or empty";
  throw new Fault("FIELD_INVALID", `page_token ${allowed}`, { violations: [{ field: "page_token", allowed }] });
}

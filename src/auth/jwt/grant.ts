import type { JWTPayload } from "jose";
import type { Principal, Role } from "../authenticator.ts";

/** What a verified token allows. */
export type Grant = Pick<Principal, "tenant" | "roles">;

/** What a token may ever allow: no token administers, for that is for every tenant. */
const GRANTABLE: readonly Role[] = ["claim", "read", "operate"];

const TENANT = /^[a-z0-9-]{1,63}$/;

/**
 * The tenant that a claim names. Throws unless the claim is there and names exactly one: a token without it is never
 * one for every tenant.
 */
export function tenantIn(claims: JWTPayload, claim: string): string {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  if (typeof value !== "string" || !TENANT.test(value)) throw new Error("the token's tenant claim names no tenant");
  return value;
}

/** The roles that a claim names, as an array or separated by spaces. Other words are somebody else's. */
export function rolesIn(claims: JWTPayload, claim: string): ReadonlySet<Role> {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  const words: readonly unknown[] = typeof value === "string" ? value.split(" ") : Array.isArray(value) ? value : [];
  return new Set(GRANTABLE.filter((role) => words.includes(role)));
}

const NAME_BYTES_MAX = 600;

/** For logs: one line, bounded. */
export function nameOf(issuer: string, subject: string): string {
  const name = `jwt:${issuer}#${subject}`.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "");
  const bytes = Buffer.from(name);
  if (bytes.length <= NAME_BYTES_MAX) return name;
  let end = NAME_BYTES_MAX;
  // Back to where a character begins.
  while (((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end--;
  return bytes.toString("utf8", 0, end);
}

import type { Clock } from "../clock.ts";
import type { Instant } from "../domain/instant.ts";
import { type MatchSecret, matchSecret, parseApiKey } from "./api-key-secret.ts";
import type { ApiKeyTable, StoredApiKey } from "./api-keys.ts";
import type { Principal } from "./authenticator.ts";
import { credentialsInvalid } from "./credentials-invalid.ts";
import { createKnownApiKeys, type KnownApiKeys } from "./known-api-keys.ts";

/** Tells from an API key who calls. To be told of changes of the table, lest a revoked key works for another minute. */
export interface ApiKeyAuthenticator extends Pick<KnownApiKeys, "changed" | "tenantChanged" | "lost"> {
  /**
   * Throws `Fault` CREDENTIALS_INVALID, the same for a malformed, unknown, wrong, revoked and expired key, and what
   * `KnownApiKeys.find` throws.
   */
  authenticate(text: string, deadline: number): Promise<Principal>;
}

export interface ApiKeyDeps {
  readonly table: Pick<ApiKeyTable, "read">;
  readonly clock: Clock;
  /**
   * The world's time. Of this process, not of the database, which set the expiry: keys live for a minute at least, and
   * the clocks of servers differ by less.
   */
  readonly now: () => Instant;
  /** Once for each well-formed key, whatever it turns out to be. */
  readonly matches?: MatchSecret;
}

export function createApiKeyAuthenticator(deps: ApiKeyDeps): ApiKeyAuthenticator {
  const { now, matches = matchSecret } = deps;
  const known = createKnownApiKeys(deps);
  return {
    changed: known.changed,
    tenantChanged: known.tenantChanged,
    lost: known.lost,
    async authenticate(text, deadline) {
      const given = parseApiKey(text);
      if (given === null) throw credentialsInvalid(new Error("not of the form of an API key"));
      const looked = known.find(given.id, deadline);
      const found = looked instanceof Promise ? await looked : looked;
      // Nobody is told by the time it takes what was wrong.
      const isRight = matches(found === null ? NOBODY : found.key, given.secret);
      if (found !== null && isRight && isGood(found.key, now())) return found.principal;
      if (found !== null) await known.refuse(given.id, looked, deadline);
      throw credentialsInvalid(whyNot(found?.key ?? null, isRight));
    },
  };
}

/** No secret has this hash: nobody knows one, and it is not asked about. */
const NOBODY = { salt: new Uint8Array(32), hash: new Uint8Array(32) };

function isGood({ revokeTime, expireTime }: StoredApiKey, now: Instant): boolean {
  return revokeTime === null && (expireTime === null || now < expireTime);
}

/** For the log. A key that is not known is not named: what was sent may be anything. */
function whyNot(key: StoredApiKey | null, isRight: boolean): Error {
  if (key === null) return new Error("no such API key");
  if (!isRight) return new Error(`a wrong secret for API key ${key.id}`);
  return new Error(`API key ${key.id} is ${key.revokeTime === null ? "expired" : "revoked"}`);
}

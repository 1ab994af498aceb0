import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";

/** A JWT, or what fetches one. */
export type Token = string | (() => string | Promise<string>);

export interface Credential {
  /** The value of the `authorization` header. Throws a ConnectError when there is none to be had. */
  authorization(): string | Promise<string>;
  /** Whether another one may come when it is asked again. */
  readonly isFetched: boolean;
}

interface CredentialOptions {
  readonly apiKey?: string;
  readonly token?: Token;
}

/**
 * Null when there is none. Nothing that is thrown here quotes a credential, and neither does what is thrown later: one
 * that no header can carry is refused before a library says so and repeats it.
 *
 * @throws TypeError
 */
export function createCredential({ apiKey, token }: CredentialOptions): Credential | null {
  if (apiKey !== undefined && token !== undefined) throw new TypeError("a client has an apiKey or a token, not both");
  const fixed = apiKey ?? token;
  if (fixed === undefined) return null;
  if (typeof fixed === "function") return { authorization: () => fetchFrom(fixed), isFetched: true };
  const name = apiKey === undefined ? "token" : "apiKey";
  if (!isSendable(fixed)) throw new TypeError(`${name} must be ${SENDABLE}`);
  const header = `Bearer ${fixed}`;
  return { authorization: () => header, isFetched: false };
}

async function fetchFrom(token: () => string | Promise<string>): Promise<string> {
  let fetched: unknown;
  try {
    fetched = await token();
  } catch (cause) {
    // Whoever issues tokens may be back soon, so the call is tried again as after any other lost connection.
    throw noToken("the token could not be fetched", Code.Unavailable, cause);
  }
  if (isSendable(fetched)) return `Bearer ${fetched}`;
  throw noToken(`the token that was fetched must be ${SENDABLE}`, Code.Unauthenticated);
}

/** Servers take 16 KiB of headers in all. */
const CREDENTIAL_UNITS_MAX = 12 * 1024;
const SENDABLE = `1 to ${CREDENTIAL_UNITS_MAX} visible ASCII characters`;

function isSendable(value: unknown): value is string {
  return typeof value === "string" && value.length <= CREDENTIAL_UNITS_MAX && /^[!-~]+$/.test(value);
}

function noToken(message: string, code: Code, cause?: unknown): ConnectError {
  const info = { desc: ErrorInfoSchema, value: { reason: "TOKEN_UNAVAILABLE", domain: "holdfast.v1" } };
  return new ConnectError(message, code, undefined, [info], cause);
}

export function tokenTooLate(): ConnectError {
  return noToken("the token was not fetched in time", Code.DeadlineExceeded);
}

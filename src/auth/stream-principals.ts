import type { Clock } from "../clock.ts";
import type { Authenticator, Principal } from "./authenticator.ts";

export interface StreamPrincipalsDeps {
  readonly authenticator: Authenticator;
  readonly clock: Clock;
}

/**
 * How long the calls of a stream need not say again who calls. They bring the very same credentials, so only what
 * becomes of those can change the answer: a key that is revoked, a token that ends, a registration that goes. The first
 * takes about as long to be told from server to server, and dates in tokens are good to 30 s.
 */
const REMEMBERED_MS = 1000;

interface Remembered {
  readonly principal: Promise<Principal>;
  readonly untilMs: number;
}

/** Remembers who calls on a stream. Who was refused is asked again with each call, and so is everybody without a stream. */
export function rememberOnStreams({ authenticator, clock }: StreamPrincipalsDeps): Authenticator {
  const streams = new WeakMap<object, Remembered>();

  const ask: Authenticator["authenticate"] = async (credentials, deadline) => {
    const untilMs = clock.monotonicMs() + REMEMBERED_MS;
    const principal = await authenticator.authenticate(credentials, deadline);
    const { stream } = credentials;
    if (stream !== undefined) streams.set(stream, { principal: Promise.resolve(principal), untilMs });
    return principal;
  };

  return {
    authenticate(credentials, deadline) {
      const { stream } = credentials;
      if (stream === undefined) return authenticator.authenticate(credentials, deadline);
      const remembered = streams.get(stream);
      return remembered !== undefined && clock.monotonicMs() < remembered.untilMs
        ? remembered.principal
        : ask(credentials, deadline);
    },
  };
}

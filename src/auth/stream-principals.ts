import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import type { Authenticator, Credentials, Principal } from "./authenticator.ts";

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

/** What is known of a stream's caller, or is being asked. */
interface Asked {
  readonly principal: Promise<Principal>;
  /** Nobody is asked before, unless it was a refusal. */
  readonly untilMs: number;
  /** Of the call that asked; null once there is an answer. */
  deadline: number | null;
}

/**
 * Remembers who calls on a stream: calls of one moment ask once. Who was refused is asked again with each call that
 * comes after the refusal, and everybody without a stream with each call.
 */
export function rememberOnStreams({ authenticator, clock }: StreamPrincipalsDeps): Authenticator {
  const streams = new WeakMap<object, Asked>();

  const ask = (stream: object, credentials: Credentials, deadline: number): Promise<Principal> => {
    const untilMs = clock.monotonicMs() + REMEMBERED_MS;
    const principal = authenticator.authenticate(credentials, deadline);
    const asked: Asked = { principal, untilMs, deadline };
    streams.set(stream, asked);
    const answered = () => {
      asked.deadline = null;
    };
    const refused = () => {
      if (streams.get(stream) === asked) streams.delete(stream);
    };
    principal.then(answered, refused);
    return principal;
  };

  /** That the other call has no more time says nothing of this one, which has. */
  const join = async ({ principal }: Asked, stream: object, credentials: Credentials, deadline: number) => {
    try {
      return await principal;
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== "DEADLINE_EXCEEDED") throw error;
      return authenticate(stream, credentials, deadline);
    }
  };

  const authenticate = (stream: object, credentials: Credentials, deadline: number): Promise<Principal> => {
    const asked = streams.get(stream);
    if (asked === undefined || clock.monotonicMs() >= asked.untilMs) return ask(stream, credentials, deadline);
    if (asked.deadline === null) return asked.principal;
    // Who has less time than the one who asked must not wait for so long.
    return deadline < asked.deadline ? ask(stream, credentials, deadline) : join(asked, stream, credentials, deadline);
  };

  return {
    authenticate(credentials, deadline) {
      const { stream } = credentials;
      if (stream === undefined) return authenticator.authenticate(credentials, deadline);
      return authenticate(stream, credentials, deadline);
    },
  };
}

import type { Principal } from "../../auth/authenticator.ts";
import { Fault } from "../../domain/fault.ts";
import type { Caller } from "../access.ts";

/**
 * The same operation, for so many calls at once of one caller, and of all callers of one tenant. It throws `Fault`
 * OVERLOADED, at once, for more.
 *
 * All changes of tenants and API keys go one after the other, for there is one audit log: whoever has thousands under way
 * would hold up everybody else's, and the one that takes the credential away from it.
 */
export type CallerLimit = <Who extends Pick<Caller, "principal">, Rest extends readonly unknown[], Answer>(
  operation: (caller: Who, ...rest: Rest) => Promise<Answer>,
) => (caller: Who, ...rest: Rest) => Promise<Answer>;

/** On this server. A person has one under way, and a script that is in a hurry a few. */
export const CALLS_OF_CALLER_MAX = 16;
/** More than one caller has: who floods with one stolen credential does not keep its tenant from revoking it. */
export const CALLS_OF_TENANT_MAX = 64;

/** One limit for all operations that it is given. */
export function createCallerLimit(callsMax: (caller: Principal) => number = () => CALLS_OF_CALLER_MAX): CallerLimit {
  const callers = createCounts();
  const tenants = createCounts();

  const enter = (caller: Principal) => {
    const { name, tenant } = caller;
    if (callers.of(name) >= callsMax(caller) || (tenant !== null && tenants.of(tenant) >= CALLS_OF_TENANT_MAX)) {
      throw new Fault("OVERLOADED", "too many administrative calls of this caller, or of its tenant, are under way");
    }
    callers.add(name);
    if (tenant !== null) tenants.add(tenant);
    return () => {
      callers.remove(name);
      if (tenant !== null) tenants.remove(tenant);
    };
  };

  return (operation) =>
    async (caller, ...rest) => {
      const leave = enter(caller.principal);
      try {
        return await operation(caller, ...rest);
      } finally {
        leave();
      }
    };
}

/** Nothing is kept of who has none. */
function createCounts() {
  const counts = new Map<string, number>();
  return {
    of: (name: string) => counts.get(name) ?? 0,
    add: (name: string) => void counts.set(name, (counts.get(name) ?? 0) + 1),
    remove(name: string) {
      const left = (counts.get(name) ?? 0) - 1;
      if (left > 0) counts.set(name, left);
      else counts.delete(name);
    },
  };
}

import { lookup, Resolver } from "node:dns/promises";
import { isLocalhost } from "./target.ts";

/** The addresses of a host name; empty when it has none. Rejects when that cannot be told, and when aborted. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

/**
 * Asks the name servers, and not the system: the system's look-up takes a thread for as long as the slowest name server
 * of any tenant does, and the connections to the database need the same few threads. The price: /etc/hosts and search
 * domains do not count. Without `servers`, as "address:port", those that the system is set to.
 */
export function createResolveByName(servers?: readonly string[]): Resolve {
  return async (host, signal) => {
    if (isLocalhost(host)) return ["127.0.0.1", "::1"];
    signal.throwIfAborted();
    // A name server that keeps silent about one family leaves time for the addresses of the other.
    const resolver = new Resolver({ timeout: 700, tries: 2 });
    if (servers !== undefined) resolver.setServers(servers);
    const cancel = () => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return addressesIn(await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]));
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
}

function addressesIn(answers: readonly PromiseSettledResult<string[]>[]): readonly string[] {
  const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  const failed = answers.find((answer) => answer.status === "rejected" && !isAbsence(answer.reason));
  if (addresses.length === 0 && failed?.status === "rejected") throw failed.reason;
  return addresses;
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENODATA" || error.code === "ENOTFOUND");
}

/** As every other program on the machine does: for the few hosts that the operator configured. */
export const resolveBySystem: Resolve = async (host) => {
  const addresses = await lookup(host, { all: true });
  return addresses.map(({ address }) => address);
};

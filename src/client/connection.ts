import type { Transport } from "@connectrpc/connect";
import { isLoopback } from "./address.ts";
import { authorizedTransport } from "./authorized-transport.ts";
import type { Clock } from "./clock.ts";
import type { ClosableTransport } from "./closable-transport.ts";
import { createCredential, type Token } from "./credentials.ts";
import { traceTransport } from "./tracing.ts";

/** Where the servers are, and who calls them. */
export interface CallerOptions {
  /** host:port of the server. */
  readonly address?: string;
  /** host:port of several servers on one database; calls go round, and past those that are down. */
  readonly addresses?: readonly string[];
  /** Sent with every call. Needs TLS, but to this machine. */
  readonly apiKey?: string;
  /**
   * A JWT, instead of an API key. A function is asked before each call, on the call's time, and once more when the server
   * has refused what it gave; it keeps its token for as long as it is good. When it throws, the call is tried again.
   */
  readonly token?: Token;
  /** Sends a credential in clear text also to other machines: something between them encrypts. */
  readonly allowPlaintext?: boolean;
}

export interface Connection {
  readonly transport: Transport;
  /** Ends calls under way and disconnects, unless the transport was handed in. */
  close(): void;
}

export type Addresses = readonly [string, ...string[]];

/**
 * @param handedIn null: one is made, of the addresses
 * @throws TypeError for options that contradict each other, or would show a credential to whoever listens
 */
export function connectionOver(
  options: CallerOptions & { readonly tls?: unknown },
  clock: Clock,
  handedIn: Transport | null,
  make: ((addresses: Addresses) => ClosableTransport) | null,
): Connection {
  const credential = createCredential(options);
  const own = make?.(checkedAddresses(options, credential !== null));
  const transport = own ?? handedIn;
  if (transport === null) throw new Error("bug: a connection over nothing");
  if (own === undefined && options.tls !== undefined) throw new TypeError("tls is for the transport of this client");
  return {
    // Outermost: what a credential takes, a second try included, is part of the call.
    transport: traceTransport(credential === null ? transport : authorizedTransport(transport, credential, clock)),
    close: () => own?.close(),
  };
}

function checkedAddresses(options: CallerOptions & { readonly tls?: unknown }, hasCredential: boolean): Addresses {
  const { address, addresses = [], tls, allowPlaintext = false } = options;
  const [first, ...rest] = address === undefined ? addresses : [address, ...addresses];
  if (first === undefined) throw new TypeError("createClient needs an address");
  const all: Addresses = [first, ...rest];
  // Not quoted: there may be a password in it.
  const isUrl = all.some((each) => /^https?:\/\//i.test(each));
  if (isUrl) throw new TypeError("an address must be host:port of a server's port, and not a URL");
  const isClear = tls === undefined || tls === false;
  if (isClear && hasCredential && !allowPlaintext && !all.every(isLoopback)) {
    throw new TypeError(
      "the credential would cross the network in clear text: set tls, or allowPlaintext if something else encrypts",
    );
  }
  return all;
}

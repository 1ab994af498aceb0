import { isIP } from "node:net";
import { type AddressKind, kindOfAddress } from "./addresses.ts";

/** What may be asked. */
export interface Reach {
  /** Loopback too, and that without TLS: for development. */
  readonly loopback: boolean;
  /** Networks of one's own too: for addresses that the operator configured, never for those of tenants. */
  readonly private: boolean;
  /** Beside 443. */
  readonly ports: readonly number[];
}

/** A URL that may be asked, if its addresses are. */
export interface Target {
  readonly secure: boolean;
  /** Without brackets and trailing dot. */
  readonly host: string;
  readonly port: number;
  /** With the query. */
  readonly path: string;
  /** As the Host header has it. */
  readonly authority: string;
  /** One spelling for each target. */
  readonly text: string;
}

export type TargetReading =
  | { readonly kind: "target"; readonly target: Target }
  | { readonly kind: "refused"; readonly reason: string };

const URL_LENGTH_MAX = 2048;

/** Everything that can be said of a URL before its host is looked up. Never throws. */
export function readTarget(spelling: string, reach: Reach): TargetReading {
  if (spelling.length > URL_LENGTH_MAX) return refused(`the URL is longer than ${URL_LENGTH_MAX} characters`);
  const url = URL.parse(spelling);
  if (url === null || !(url.protocol === "https:" || url.protocol === "http:")) return refused(ONLY_HTTPS);
  if (url.username !== "" || url.password !== "") return refused("the URL holds a user or a password");
  // The root's dot is no part of the name that a certificate is made out to.
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (host === "") return refused("the URL holds no host");
  const secure = url.protocol === "https:";
  if (!secure && !(reach.loopback && isLoopbackName(host))) return refused(ONLY_HTTPS);
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  if (port !== 443 && !reach.ports.includes(port)) return refused("the port is not among those that may be asked");
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}${url.port === "" ? "" : `:${url.port}`}`;
  const path = `${url.pathname}${url.search}`;
  const text = `${url.protocol}//${authority}${path}`;
  return { kind: "target", target: { secure, host, port, path, authority, text } };
}

const ONLY_HTTPS = "only https is asked";

function refused(reason: string): TargetReading {
  return { kind: "refused", reason };
}

/** `localhost` and what is below it are this machine whatever a name server says (RFC 6761). */
export function isLocalhost(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}

function isLoopbackName(host: string): boolean {
  return isLocalhost(host) || kindOfAddress(host) === "loopback";
}

/** Whether a connection may be made to every one of these addresses. One that may not spoils the others. */
export function mayBeAsked(addresses: readonly string[], { secure }: Target, reach: Reach): boolean {
  const allowed: Readonly<Record<AddressKind, boolean>> = {
    global: secure,
    private: secure && reach.private,
    loopback: reach.loopback,
    forbidden: false,
  };
  return addresses.every((address) => allowed[kindOfAddress(address)]);
}

import { isIPv6 } from "node:net";
import { domainToASCII } from "node:url";

/** What no tenant is registered under: the normal form of everything that names no host. */
export const NO_HOST = "";

/** Longer than any host with a URL around it; more is not looked at. */
const SPELLING_LENGTH_MAX = 4096;
const NAME_LENGTH_MAX = 253;

/**
 * The one spelling under which a host is registered and looked up: lower case, without port, user or trailing dot, an
 * IDN as A-label (UTS-46), an IPv6 address compressed and without brackets. Takes a Host header or a whole URL. Never
 * throws, and leaves its own results alone.
 */
export function normaliseHost(spelling: string): string {
  if (spelling.length > SPELLING_LENGTH_MAX) return NO_HOST;
  const authority = authorityOf(spelling.trim());
  if (isIPv6(authority)) return compressed(authority);
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(authority)?.[1];
  if (bracketed !== undefined) return isIPv6(bracketed) ? compressed(bracketed) : NO_HOST;
  return nameOf(authority.replace(/:\d*$/, ""));
}

/** What stands between scheme and path, behind the user. */
function authorityOf(url: string): string {
  const [authority = ""] = url.replace(/^(?:[a-z][a-z0-9+.-]*:)?\/\//i, "").split(/[/?#\\]/, 1);
  return authority.slice(authority.lastIndexOf("@") + 1);
}

function compressed(address: string): string {
  const url = URL.parse(`http://[${address}]/`);
  return url === null ? NO_HOST : url.hostname.slice(1, -1);
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

function nameOf(name: string): string {
  // domainToASCII reads its argument as part of a URL: it would decode escapes and stop at separators.
  if (/[%:/?#\\@\s]/.test(name)) return NO_HOST;
  const ascii = domainToASCII(name).replace(/\.$/, "");
  return ascii.length <= NAME_LENGTH_MAX && ascii.split(".").every((label) => LABEL.test(label)) ? ascii : NO_HOST;
}

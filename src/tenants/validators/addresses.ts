import { BlockList, isIP, isIPv4 } from "node:net";

/**
 * What stands behind an address. `forbidden` is whatever is neither reached from everywhere nor somebody's own network:
 * link-local with the metadata services of clouds, multicast, reserved, documentation, retired tunnels.
 */
export type AddressKind = "global" | "loopback" | "private" | "forbidden";

/** Takes IPv4 and IPv6 in any spelling; what is no address is forbidden. */
export function kindOfAddress(address: string): AddressKind {
  // A zone would name an interface of this machine.
  if (isIP(address) === 0 || address.includes("%")) return "forbidden";
  return isIPv4(address) ? kindOfIPv4(address) : kindOfIPv6(address);
}

type Range = readonly [net: string, prefix: number];

function listOf(family: "ipv4" | "ipv6", ranges: readonly Range[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of ranges) list.addSubnet(net, prefix, family);
  return list;
}

const LOOPBACK_IPV4 = listOf("ipv4", [["127.0.0.0", 8]]);

/** RFC 1918, and what carriers and clouds use the same way (RFC 6598). */
const PRIVATE_IPV4 = listOf("ipv4", [
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
]);

/** The rest of the IANA registry of special-purpose addresses. */
const FORBIDDEN_IPV4 = listOf("ipv4", [
  ["0.0.0.0", 8], // this network; many systems take 0.0.0.0 for the machine itself
  ["168.63.129.16", 32], // the metadata service of Azure: looks global, and is not
  ["169.254.0.0", 16], // link-local
  ["192.0.0.0", 24], // protocol assignments, the metadata service of Oracle's cloud among them
  ["192.0.2.0", 24], // documentation
  ["192.31.196.0", 24], // AS112
  ["192.52.193.0", 24], // multicast tunnelling
  ["192.88.99.0", 24], // relays of 6to4
  ["192.175.48.0", 24], // AS112
  ["198.18.0.0", 15], // benchmarking
  ["198.51.100.0", 24], // documentation
  ["203.0.113.0", 24], // documentation
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, and broadcast
]);

function kindOfIPv4(address: string): AddressKind {
  if (LOOPBACK_IPV4.check(address)) return "loopback";
  if (PRIVATE_IPV4.check(address)) return "private";
  return FORBIDDEN_IPV4.check(address) ? "forbidden" : "global";
}

const LOOPBACK_IPV6 = listOf("ipv6", [["::1", 128]]);

/** Unique local. */
const PRIVATE_IPV6 = listOf("ipv6", [["fc00::", 7]]);

/** The only range that IANA hands out; everything outside it that is not named here is forbidden. */
const GLOBAL_IPV6 = listOf("ipv6", [["2000::", 3]]);

const FORBIDDEN_IPV6 = listOf("ipv6", [
  ["2001::", 23], // protocol assignments: Teredo, benchmarking, ORCHID
  ["2001:db8::", 32], // documentation
  ["2002::", 16], // 6to4: leads to any IPv4 address, and is retired
  ["2620:4f:8000::", 48], // AS112
  ["3fff::", 20], // documentation
]);

/**
 * Addresses that are IPv4 addresses in disguise: mapped, and translated by NAT64. The last is how a network without
 * IPv4 reaches every host that has no IPv6, so it is judged by what it leads to.
 */
const EMBEDDING_IPV6 = listOf("ipv6", [
  ["::ffff:0:0", 96],
  ["64:ff9b::", 96],
]);

function kindOfIPv6(address: string): AddressKind {
  if (EMBEDDING_IPV6.check(address, "ipv6")) return kindOfIPv4(lastFourBytes(address));
  if (LOOPBACK_IPV6.check(address, "ipv6")) return "loopback";
  if (PRIVATE_IPV6.check(address, "ipv6")) return "private";
  return GLOBAL_IPV6.check(address, "ipv6") && !FORBIDDEN_IPV6.check(address, "ipv6") ? "global" : "forbidden";
}

/** The last 32 bits of an IPv6 address, as an IPv4 address. */
function lastFourBytes(address: string): string {
  // A URL spells every address in one way: compressed hexadecimal groups.
  const groups = new URL(`http://[${address}]/`).hostname.slice(1, -1).split(":").slice(-2);
  const [high = 0, low = 0] = groups.map((group) => Number.parseInt(group || "0", 16));
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}

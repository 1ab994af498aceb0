/** Whether what is sent there stays on this machine. `address` is a target of gRPC: host:port, or unix:path, or a list. */
export function isLoopback(address: string): boolean {
  const [, scheme = "", rest = ""] = /^(?:(unix|unix-abstract|dns|ipv4|ipv6):)?(.*)$/s.exec(address) ?? [];
  if (scheme.startsWith("unix")) return true;
  return rest.split(",").every((part) => LOOPBACK.test(part));
}

/** The slashes follow dns:. A name server between them may say what it likes, so it is none of ours. */
const LOOPBACK = /^(?:\/\/\/?)?(?:(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d+)?|::1)$/i;

/**
 * What goes between http:// and the first slash.
 *
 * @throws TypeError that does not quote it: there may be a password in it
 */
export function hostAndPort(address: string): string {
  const [, port = "1"] = HOST_AND_PORT.exec(address) ?? [null, "0"];
  if (Number(port) >= 1 && Number(port) <= 65_535) return address;
  throw new TypeError("an address must be host:port of a server's HTTP port, such as localhost:7401 or [::1]:7401");
}

const HOST_AND_PORT = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::(\d{1,5}))?$/i;

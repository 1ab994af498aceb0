/** Whether what is sent there stays on this machine. `address` is a target of gRPC: host:port, or unix:path, or a list. */
export function isLoopback(address: string): boolean {
  const [, scheme = "", rest = ""] = /^(?:(unix|unix-abstract|dns|ipv4|ipv6):)?(.*)$/s.exec(address) ?? [];
  if (scheme.startsWith("unix")) return true;
  return rest.split(",").every((part) => LOOPBACK.test(part));
}

/** The slashes follow dns:. A name server between them may say what it likes, so it is none of ours. */
const LOOPBACK = /^(?:\/\/\/?)?(?:(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d+)?|::1)$/i;

import { freePorts } from "../../src/cli/demo/ports.ts";

/**
 * Flags for servers that follow each other at one address, for so many addresses. Ports that the system has chosen for the
 * first of them might be somebody else's before the next one listens.
 */
export async function ownAddresses(count: number): Promise<readonly (readonly string[])[]> {
  const ports = await freePorts(2 * count);
  return Array.from({ length: count }, (_, i) => [
    ...["--grpc-address", `127.0.0.1:${ports[2 * i]}`],
    ...["--http-address", `127.0.0.1:${ports[2 * i + 1]}`],
  ]);
}

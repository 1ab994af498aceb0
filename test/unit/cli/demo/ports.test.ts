import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePorts, PORTS } from "../../../../src/cli/demo/ports.ts";

/** The first port that Linux gives to whoever wants any; macOS begins later. */
const GIVEN_FROM = 32_768;

test("ports for servers that are yet to be started are none that the system gives to others meanwhile", async () => {
  const ports = await freePorts(8);
  expect(new Set(ports).size).toBe(8);
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(PORTS.from);
  expect(Math.max(...ports)).toBeLessThan(GIVEN_FROM);
});

test("a port that somebody listens on is not chosen, nor one twice", async () => {
  const [used = 0, free = 0, other = 0] = await freePorts(3);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(used, "127.0.0.1", resolve));
  const choices = [used, free, used, free, other];
  expect(await freePorts(2, () => choices.shift() ?? 0)).toEqual(expect.arrayContaining([free, other]));
  await new Promise((closed) => server.close(closed));
});

test("what else keeps a port from being taken is said", async () => {
  await expect(freePorts(1, () => 65_536)).rejects.toThrow("65536");
});

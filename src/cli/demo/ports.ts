import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Outside of those that a system gives to whoever wants any: from 32768 on Linux, from 49152 on macOS. One of those would
 * soon be somebody else's, on a busy machine in the seconds that a server needs to take it, and again while one that was
 * killed is started at the same address.
 */
export const PORTS = { from: 15_000, to: 32_000 } as const;

interface Taken {
  readonly port: number;
  giveUp(): Promise<void>;
}

/**
 * Ports of this machine that nobody listens on, for servers that are yet to be started. All are taken before any is given
 * up, so that no two are the same.
 *
 * @param choose a port to try
 */
export async function freePorts(
  count: number,
  choose = () => randomInt(PORTS.from, PORTS.to),
): Promise<readonly number[]> {
  const taken = await Promise.all(Array.from({ length: count }, () => takeOne(choose)));
  await Promise.all(taken.map(({ giveUp }) => giveUp()));
  return taken.map(({ port }) => port);
}

async function takeOne(choose: () => number): Promise<Taken> {
  for (;;) {
    const taken = await take(choose());
    if (taken !== null) return taken;
  }
}

/** Null: somebody has it. */
async function take(port: number): Promise<Taken | null> {
  const server = createServer();
  const { promise: isOurs, resolve, reject } = Promise.withResolvers<boolean>();
  server.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE") resolve(false);
    else reject(error);
  });
  server.listen(port, "127.0.0.1", () => resolve(true));
  if (!(await isOurs)) return null;
  return { port, giveUp: () => new Promise((closed) => server.close(() => closed())) };
}

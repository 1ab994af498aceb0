import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { newClaimId } from "./callers.ts";
import type { ServerProcess } from "./server.ts";
import { type Caller, claimOf, connect, type Key, LONG } from "./waiting-calls.ts";

/** Callers who wait, on one connection to each of some servers, and then vanish from the network. */
export interface Ghosts extends AsyncDisposable {
  /** A claim that waits, made on the connection to the server of this index. Its lease, should it come, is long. */
  claim(key: Key, server?: number, claimId?: string): void;
  /** Nothing goes either way any more, the end of a connection included. */
  vanish(): void;
  /** Calls that have ended, whichever way. Of callers who have vanished there are none. */
  readonly ended: number;
}

/** Longer than any test: a lease that is free again was given back, and has not run out. */
const LEASE_SECONDS = 600;

export async function openGhosts(...servers: readonly ServerProcess[]): Promise<Ghosts> {
  await using opening = new AsyncDisposableStack();
  const proxies: TcpProxy[] = [];
  const callers: Caller[] = [];
  for (const { grpc } of servers) {
    const { hostname: host, port } = new URL(`http://${grpc}`);
    const proxy = opening.use(await startTcpProxy({ host, port: Number(port) }));
    proxies.push(proxy);
    callers.push(opening.use(connect(`127.0.0.1:${proxy.port}`)));
  }
  const opened = opening.move();
  let ended = 0;
  return {
    claim(key, server = 0, claimId: string = newClaimId()) {
      const count = () => {
        ended++;
      };
      const call = callers[server]?.claim(claimOf(key, { wait: 60, lease: LEASE_SECONDS, claimId }), LONG);
      void call?.then(count, count);
    },
    vanish() {
      for (const proxy of proxies) proxy.hold();
    },
    get ended() {
      return ended;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

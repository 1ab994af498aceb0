import { once } from "node:events";
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Server, type Socket } from "node:net";
import pg from "pg";

/** The bytes of the client on their way to the server, or the server's to the client. */
export type Way = "to-server" | "to-client";

/**
 * Stands between a client and a server, and does what networks do. Leaving its scope cuts everything and closes it.
 *
 * Connections that are made while it holds are accepted, as by a network that loses everything after the handshake.
 */
export interface TcpProxy extends AsyncDisposable {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Connections that are open through it. */
  readonly connections: number;
  /** The same database, reached through the proxy. */
  url(databaseUrl: string): string;
  /** Forwards nothing any more, that way or both ways, the end of a connection included; closes nothing. */
  hold(way?: Way): void;
  /** Forwards again, beginning with what has been held back. */
  release(): void;
  /**
   * What arrives from now on, the end of a connection included, is passed on so many ms later, and in its order; asked
   * anew for each chunk. Null: at once again. A reset is told at once all the same.
   */
  delay(latencyMs: (() => number) | null, way?: Way): void;
  /** Drops every connection, on both sides. */
  cut(): void;
  /** Refuses new connections; those that are open stay. */
  refuse(): Promise<void>;
  /** Takes new connections again, on the same port. */
  accept(): Promise<void>;
}

export interface TcpTarget {
  /** A name, an address, or the directory of a Postgres socket. */
  readonly host: string;
  readonly port: number;
}

export interface TcpProxyOptions {
  /** Replaces what the client sends, chunk by chunk; of the same length, for the protocol counts its bytes. */
  readonly rewrite?: (chunk: Buffer) => Buffer;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Passes on what is due. */
  readonly pass: Set<() => void>;
}

const BOTH: readonly Way[] = ["to-server", "to-client"];

export async function startTcpProxy(target: TcpTarget, { rewrite }: TcpProxyOptions = {}): Promise<TcpProxy> {
  const links = new Set<Link>();
  const held = new Set<Way>();
  const latencies = new Map<Way, () => number>();

  const forward = (way: Way, { pass }: Link, from: Socket, to: Socket, change = (chunk: Buffer) => chunk) => {
    const late: { readonly dueMs: number; readonly send: () => void }[] = [];
    let timer: NodeJS.Timeout | undefined;
    const passDue = () => {
      clearTimeout(timer);
      while (!held.has(way)) {
        const [next] = late;
        if (next === undefined) return;
        const leftMs = next.dueMs - performance.now();
        if (leftMs > 0) {
          timer = setTimeout(passDue, Math.ceil(leftMs));
          return;
        }
        late.shift();
        if (!to.destroyed) next.send();
      }
    };
    pass.add(passDue);
    const later = (send: () => void) => {
      const latencyMs = latencies.get(way);
      if (latencyMs === undefined && late.length === 0) return send();
      const dueMs = Math.max(performance.now() + (latencyMs?.() ?? 0), late.at(-1)?.dueMs ?? 0);
      late.push({ dueMs, send });
      if (late.length === 1) passDue();
    };
    from.on("data", (chunk) =>
      later(() => {
        if (!to.write(change(chunk))) from.pause();
      }),
    );
    to.on("drain", () => {
      if (!held.has(way)) from.resume();
    });
    from.on("end", () => later(() => to.end()));
    if (held.has(way)) from.pause();
  };

  /** One side has gone, which the other is told unless its way is held. */
  const settle = (link: Link) => {
    const { client, server } = link;
    if (client.destroyed && !held.has("to-server")) server.destroy();
    if (server.destroyed && !held.has("to-client")) client.destroy();
    if (client.destroyed && server.destroyed) links.delete(link);
  };

  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ ...connectionOf(target), allowHalfOpen: true });
    const link: Link = { client, server, pass: new Set() };
    links.add(link);
    for (const socket of [link.client, link.server]) {
      socket.on("error", () => undefined); // "close" follows.
      socket.on("close", () => settle(link));
    }
    forward("to-server", link, client, server, rewrite);
    forward("to-client", link, server, client);
  });
  const port = await listen(listener, 0);

  const cut = () => {
    for (const { client, server } of links) {
      // The system takes no reset from a side that is saying goodbye, and Node would keep its handle for ever.
      if (client.writableEnded) client.destroy();
      else client.resetAndDestroy();
      server.destroy();
    }
    links.clear();
  };

  const refuse = async () => {
    if (!listener.listening) return;
    listener.close(); // Its "close" comes only when every connection has ended.
  };

  return {
    port,
    get connections() {
      return links.size;
    },
    url: (databaseUrl) => through(databaseUrl, port),
    hold(way) {
      for (const each of way === undefined ? BOTH : [way]) {
        held.add(each);
        for (const { client, server } of links) (each === "to-server" ? client : server).pause();
      }
    },
    release() {
      held.clear();
      for (const link of links) {
        link.client.resume();
        link.server.resume();
        for (const passDue of link.pass) passDue();
        settle(link);
      }
    },
    delay(latencyMs, way) {
      for (const each of way === undefined ? BOTH : [way]) {
        if (latencyMs === null) latencies.delete(each);
        else latencies.set(each, latencyMs);
      }
    },
    cut,
    refuse,
    async accept() {
      if (!listener.listening) await listen(listener, port);
    },
    async [Symbol.asyncDispose]() {
      await refuse();
      cut();
    },
  };
}

/** Where the server of a database URL listens, be it a socket in a directory. */
export function targetOf(databaseUrl: string): TcpTarget {
  const { host, port } = new pg.Client({ connectionString: databaseUrl });
  return { host, port };
}

function connectionOf({ host, port }: TcpTarget): NetConnectOpts {
  return host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen({ host: "127.0.0.1", port });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Not through URL, which refuses the forms for sockets, such as postgres://user@/name?host=/run. */
function through(databaseUrl: string, port: number): string {
  const [, scheme, authority = "", path = "", query = ""] =
    /^(postgres(?:ql)?:\/\/)([^/?#]*)([^?#]*)(?:\?([^#]*))?$/.exec(databaseUrl) ?? [];
  if (scheme === undefined) throw new Error("a database URL must begin with postgres:// or postgresql://");
  const user = authority.slice(0, authority.lastIndexOf("@") + 1);
  const parameters = query.split("&").filter((pair) => pair !== "" && !/^(host|port)=/.test(pair));
  return `${scheme}${user}127.0.0.1:${port}${path}${parameters.length === 0 ? "" : `?${parameters.join("&")}`}`;
}

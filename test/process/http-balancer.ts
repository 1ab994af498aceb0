import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer as createServer2, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";

/** A load balancer over HTTP ports, as there are many: requests go round, and an answer that breaks off breaks off. */
export interface HttpBalancer extends AsyncDisposable {
  /** host:port */
  readonly address: string;
  /** Requests that have come, by HTTP version. */
  readonly asked: ReadonlyMap<string, number>;
  /** Drops the connections of its clients, whatever is under way on them. */
  cut(): void;
}

/** node:http2 has the same methods, of other classes. */
type Http2Answer = (incoming: Http2ServerRequest, outgoing: Http2ServerResponse) => void;

/** @param upstreams host:port of HTTP ports, which are spoken to in HTTP/1.1 */
export async function startHttpBalancer(upstreams: readonly string[], version: "1.1" | "2"): Promise<HttpBalancer> {
  const asked = new Map<string, number>();
  const clients = new Set<Socket>();
  let turn = 0;
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    asked.set(incoming.httpVersion, (asked.get(incoming.httpVersion) ?? 0) + 1);
    forward(upstreams[turn++ % upstreams.length] ?? "", incoming, outgoing);
  };
  const server: Server = version === "1.1" ? createServer(answer) : createServer2(answer as unknown as Http2Answer);
  server.on("connection", (socket: Socket) => {
    clients.add(socket);
    socket.on("error", () => undefined).once("close", () => clients.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    for (const socket of clients) socket.destroy();
  };
  return {
    ...{ asked, cut, address: `127.0.0.1:${(server.address() as AddressInfo).port}` },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

function forward(upstream: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const options = { method: incoming.method ?? "", headers: endToEnd(incoming.headers) };
  const passing = request(`http://${upstream}${incoming.url}`, options, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
    answer.on("error", () => outgoing.destroy());
    answer.on("data", (chunk: Buffer) => outgoing.write(chunk));
    answer.on("end", () => outgoing.end());
  });
  passing.on("error", () => {
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(502, { "content-type": "text/html" }).end("<h1>502 Bad Gateway</h1>");
  });
  outgoing.on("error", () => undefined);
  outgoing.on("close", () => passing.destroy());
  incoming.on("error", () => passing.destroy());
  incoming.on("data", (chunk: Buffer) => passing.write(chunk));
  incoming.on("end", () => passing.end());
}

const OF_ONE_HOP: ReadonlySet<string> = new Set(["connection", "keep-alive", "transfer-encoding", "host"]);

function endToEnd(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const own = Object.entries(headers).filter(([name]) => !name.startsWith(":") && !OF_ONE_HOP.has(name));
  return Object.fromEntries(own.map(([name, value]) => [name, value ?? ""]));
}

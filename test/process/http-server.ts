import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What tenants and issuers have somewhere: on 127.0.0.1, in clear text, which servers under test are told to allow. */
export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  /** The address of a path. */
  url(path: string): string;
  /** How often each path was asked for. */
  readonly asked: ReadonlyMap<string, number>;
}

export type Respond = (request: IncomingMessage, response: ServerResponse) => void;

/** @param routes by path, without the query; what is not there is 404 */
export async function startHttpServer(routes: ReadonlyMap<string, Respond>): Promise<HttpServer> {
  const asked = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").replace(/\?.*$/, "");
    asked.set(path, (asked.get(path) ?? 0) + 1);
    const respond = routes.get(path);
    // Clients hang up in the middle of everything here.
    response.on("error", () => undefined);
    if (respond === undefined) response.writeHead(404).end();
    else respond(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    asked,
    url: (path) => `http://127.0.0.1:${port}${path}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

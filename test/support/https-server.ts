import { once } from "node:events";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import https from "node:https";
import net, { type AddressInfo, type Socket } from "node:net";
import type { IssuedCertificate } from "./certificates.ts";

/** A server on 127.0.0.1 with a free port. */
export interface LocalServer extends AsyncDisposable {
  readonly port: number;
  /** Connections that were ever made to it. */
  readonly connections: number;
  /** Resolves once there has been a connection, and none is left. */
  abandoned(): Promise<void>;
}

export interface HttpsServer extends LocalServer {
  /** Requests that ever came. */
  readonly requests: readonly IncomingMessage[];
}

export async function startHttpsServer(
  { certPem, keyPem }: IssuedCertificate,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<HttpsServer> {
  const requests: IncomingMessage[] = [];
  const listener: RequestListener = (request, response) => {
    requests.push(request);
    answer(request, response);
  };
  const server = https.createServer({ cert: certPem, key: keyPem }, listener);
  // Clients hang up in the middle of everything here.
  server.on("tlsClientError", () => {});
  const local = await listening(server);
  return {
    requests,
    port: local.port,
    get connections() {
      return local.connections;
    },
    abandoned: local.abandoned,
    [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
  };
}

/** Below TLS: what a server does that speaks something else, slowly or not at all. */
export async function startTcpServer(onConnection: (socket: Socket) => void): Promise<LocalServer> {
  return listening(net.createServer(onConnection));
}

async function listening(server: net.Server): Promise<LocalServer> {
  const open = new Set<Socket>();
  const abandoned = Promise.withResolvers<void>();
  let connections = 0;
  server.on("connection", (socket: Socket) => {
    connections++;
    open.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => {
      open.delete(socket);
      if (open.size === 0) abandoned.resolve();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    abandoned: () => abandoned.promise,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

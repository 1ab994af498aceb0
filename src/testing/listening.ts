import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Message } from "@bufbuild/protobuf";
import { ConnectError, createConnectRouter, type HandlerContext } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { SIZES } from "../domain/limits.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import { RpcError } from "../rpc/error.ts";
import type { Network, Peer } from "./network.ts";

/** Where a test server is reached by other processes. */
export interface Listening {
  /** host:port for gRPC, in clear text, as every client takes it. */
  readonly address: string;
  /** For Connect and gRPC-Web over HTTP/1.1: clients that speak nothing else, and curl. */
  readonly url: string;
  /** Cuts off what is under way. */
  close(): Promise<void>;
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

const HOST = "127.0.0.1";

export async function listen(deps: {
  readonly network: Network;
  readonly methods: readonly Endpoint[];
}): Promise<Listening> {
  const handlers = handlersOf(deps);
  const onRequest = (request: Request, response: Response) => {
    const handler = handlers.get(request.url?.split("?", 1)[0] ?? "");
    if (handler === undefined) {
      response.statusCode = 404;
      response.end();
      return;
    }
    // Whoever has gone, or sends what is no request, needs no answer.
    answer(handler, request, response).catch(() => response.destroy());
  };
  const grpc = createHttp2Server(onRequest);
  const http = createServer(onRequest);
  const sessions = new Set<{ destroy(): void }>();
  grpc.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  for (const server of [grpc, http]) {
    server.listen(0, HOST);
    await once(server, "listening");
  }

  return {
    address: `${HOST}:${portOf(grpc)}`,
    url: `http://${HOST}:${portOf(http)}`,
    async close() {
      for (const session of sessions) session.destroy();
      http.closeAllConnections();
      await Promise.all([grpc, http].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** gRPC, gRPC-Web and Connect, as connect speaks them. */
function handlersOf({ network, methods }: Parameters<typeof listen>[0]): ReadonlyMap<string, UniversalHandler> {
  const router = createConnectRouter({ readMaxBytes: SIZES.messageBytesMax });
  for (const { kind, method } of methods) {
    const { localName } = method;
    if (kind === "unary") {
      router.rpc(method, async (request: Message, context: HandlerContext) => {
        try {
          return await network.unary(localName, request, peerOf(context));
        } catch (error) {
          throw asSent(error);
        }
      });
    } else {
      router.rpc(method, async function* (request: Message, context: HandlerContext) {
        try {
          yield* network.stream(localName, request, peerOf(context));
        } catch (error) {
          throw asSent(error);
        }
      });
    }
  }
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

async function answer(handler: UniversalHandler, request: Request, response: Response): Promise<void> {
  const call = universalRequestFromNodeRequest(request, response, undefined, undefined);
  await universalResponseToNodeResponse(await handler(call), response);
}

/** The deadline is one of the caller's own time, which need not be ours: the signal says when it has passed. */
function peerOf({ requestHeader, signal, protocolName }: HandlerContext): Peer {
  const transport = protocolName === "grpc" ? "grpc" : "http";
  return { headers: requestHeader, signal, deadline: Number.POSITIVE_INFINITY, transport };
}

function asSent(error: unknown): unknown {
  if (!(error instanceof RpcError)) return error;
  const { message, code, retryAfterMs, cause } = error;
  const headers = retryAfterMs === null ? [] : [["grpc-retry-pushback-ms", String(retryAfterMs)] as [string, string]];
  const details = error.details.map(({ desc, message: value }) => ({ desc, value }));
  return new ConnectError(message, code as number, headers, details, cause);
}

function portOf(server: { address(): unknown }): number {
  const address = server.address() as { readonly port: number };
  return address.port;
}

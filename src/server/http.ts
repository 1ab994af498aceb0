import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Log } from "../telemetry/log.ts";
import type { MetricsPage } from "../telemetry/metrics.ts";
import type { WaitingMode } from "../waiting/postgres/waiting.ts";
import { type Address, isLoopback } from "./config/kinds.ts";
import type { Listening } from "./grpc.ts";
import { admitOrigin } from "./http-cors.ts";
import type { HttpRpc } from "./http-rpc.ts";
import { HTTP_KEEPALIVE_MS, REQUEST_CHECK_MS, REQUEST_MS_MAX, TCP_KEEPALIVE_MS } from "./limits.ts";
import { cannotListen } from "./operator-error.ts";
import type { Readiness, ReadinessReport } from "./readiness.ts";
import { admitVerified, handshakeOptions } from "./tls/admission.ts";
import { followTcpSockets, type TcpSockets } from "./tls/tcp-sockets.ts";
import type { Tls } from "./tls.ts";

export interface HttpServerDeps {
  /**
   * Asked for by the first call: connect is heavy, and a server may never be called over HTTP. Null while the server is
   * not there yet, but for its pages.
   */
  readonly rpc: () => Promise<HttpRpc> | null;
  readonly metrics: MetricsPage;
  readonly readiness: Readiness;
  /** For /readyz, which tells it and does not judge by it: whoever polls gets every answer, a little later. */
  readonly waiting: () => WaitingMode;
  readonly log: Log;
  /** Null: clear text. */
  readonly tls: Tls | null;
  /** Nobody is asked who he is: then only requests to this machine by its own names are answered. */
  readonly localOnly: boolean;
  /** Of web pages that may call. Default: none. */
  readonly corsOrigins?: readonly string[];
}

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/**
 * Connect JSON and gRPC-Web beside the pages for machines: /metrics, /livez, /readyz. Anything else is 404. The pages ask
 * for no credential, but where every connection needs a client certificate, whoever reads them needs one too.
 */
export async function serveHttp(address: Address, deps: HttpServerDeps): Promise<Listening> {
  const leaving = createLeaving();
  const { server, tcp } = createHttpServer(deps.tls, (request, response) => {
    leaving.add(response);
    dispatch(request, response, deps).catch((error: unknown) => {
      deps.log.warn({ error }, "an HTTP request could not be answered");
      response.destroy();
    });
  });
  const port = await listen(server, address);
  return {
    address: { host: address.host, port },
    close() {
      leaving.begin();
      tcp?.closeUnsecured();
      return close(server);
    },
    destroy() {
      server.close(() => undefined); // Where nobody has closed it: the start has failed.
      server.closeAllConnections();
      tcp?.destroy();
    },
  };
}

const LIMITS = {
  headersTimeout: REQUEST_MS_MAX,
  requestTimeout: REQUEST_MS_MAX,
  connectionsCheckingInterval: REQUEST_CHECK_MS,
  keepAliveTimeout: HTTP_KEEPALIVE_MS,
  keepAlive: true,
  keepAliveInitialDelay: TCP_KEEPALIVE_MS,
} as const;

interface HttpServer {
  readonly server: Server;
  /** Null in clear text. */
  readonly tcp: TcpSockets | null;
}

function createHttpServer(tls: Tls | null, answer: RequestListener): HttpServer {
  if (tls === null) return { server: createServer(LIMITS, answer), tcp: null };
  const options = { ...LIMITS, ...handshakeOptions(tls), ...tls.current, ALPNProtocols: ["http/1.1"] };
  const server = createSecureServer(options, answer);
  tls.onChange((changed) => server.setSecureContext(changed));
  const tcp = followTcpSockets(server);
  admitVerified(server, tls);
  return { server, tcp };
}

/**
 * node:http keeps a connection open for the next request, also while the server closes; then every idle client would
 * hold the drain up for its whole grace. Once begun, each answer says that it is the last.
 */
function createLeaving(): { add(response: ServerResponse): void; begin(): void } {
  const inFlight = new Set<ServerResponse>();
  let leaving = false;
  const bidFarewell = (response: ServerResponse) => {
    // By "finish" the response has let go of its socket.
    const { socket } = response;
    if (response.headersSent) response.once("finish", () => socket?.end());
    else response.setHeader("connection", "close");
  };
  return {
    add(response) {
      inFlight.add(response);
      response.once("close", () => inFlight.delete(response));
      if (leaving) bidFarewell(response);
    },
    begin() {
      leaving = true;
      for (const response of inFlight) bidFarewell(response);
    },
  };
}

async function dispatch(request: IncomingMessage, response: ServerResponse, deps: HttpServerDeps): Promise<void> {
  if (deps.localOnly && !isLocal(request.headers.host)) {
    return sendJson(response, 421, { error: "this server answers to localhost, 127.0.0.1 and [::1] only" });
  }
  const path = (request.url ?? "").split("?", 1)[0] ?? "";
  const page = PAGES.get(path);
  if (page !== undefined) {
    if (request.method === "GET" || request.method === "HEAD") return page(deps)(request, response);
    response.setHeader("allow", "GET, HEAD");
    return sendJson(response, 405, { error: "this page is read with GET" });
  }
  if (admitOrigin(deps.corsOrigins ?? [], request, response)) return;
  const rpc = deps.rpc();
  if (rpc === null) return sendStarting(response);
  const call = (await rpc).handlerOf(path);
  if (call !== undefined) return call(request, response);
  return sendJson(response, 404, { error: "no such page or method" });
}

const PAGES: ReadonlyMap<string, (deps: HttpServerDeps) => Handle> = new Map([
  [
    "/metrics",
    ({ metrics }) =>
      async (_request, response) => {
        send(response, 200, metrics.contentType, await metrics.page());
      },
  ],
  ["/livez", () => (_request, response) => sendJson(response, 200, { live: true })],
  [
    "/readyz",
    ({ readiness, waiting }) =>
      (_request, response) => {
        const report = readiness.report();
        const reason = reasonOf(report);
        sendJson(response, report.ready ? 200 : 503, { ...report, ...(reason && { reason }), waiting: waiting() });
      },
  ],
]);

/** Why the server is not ready, for people; null when it is. */
function reasonOf({ checks }: ReadinessReport): string | null {
  if (!checks.accepting) return "the server is shutting down";
  if (!checks.database) return "the database does not answer";
  return checks.schema ? null : "the server is starting";
}

/** In the form of Connect, of which clients of all protocols understand the status at least. */
function sendStarting(response: ServerResponse): void {
  response.setHeader("retry-after", 1);
  sendJson(response, 503, { code: "unavailable", message: "The server is starting." });
}

/**
 * Without authentication the loopback address is the only protection, and a browser can be led around it: a page of
 * somebody else's whose host name is made to point at 127.0.0.1 may then read our answers. Its requests name its host.
 */
function isLocal(host: string | undefined): boolean {
  const url = URL.parse(`http://${host}`);
  const name = url?.hostname.replace(/^\[|\]$/g, "") ?? "";
  return name === "localhost" || isLoopback(name);
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, "application/json", `${JSON.stringify(body)}\n`);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  const length = Buffer.byteLength(body);
  response.writeHead(status, { "content-type": type, "content-length": length, "cache-control": "no-store" });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

function listen(server: Server, address: Address): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(cannotListen(address, "http-address", error));
    });
    server.listen({ host: address.host, port: address.port }, () => resolve((server.address() as AddressInfo).port));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    server.closeIdleConnections();
  });
}

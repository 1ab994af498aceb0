import type { IncomingMessage, ServerResponse } from "node:http";
import type { DescMethod } from "@bufbuild/protobuf";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { clampConnectTimeout, clampGrpcTimeout } from "./timeout.ts";

type Call = Pick<UniversalServerRequest, "httpVersion" | "method" | "url" | "header" | "body" | "signal">;

/**
 * A request of node:http as connect wants it. connect-node's own conversion builds the URL from the Host header, and a
 * bad one throws; and it destroys the connection when a body is too large to be read, before the answer has left.
 */
export function universalRequest(request: IncomingMessage, response: ServerResponse): Call {
  const controller = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) controller.abort();
  });
  return {
    httpVersion: request.httpVersion,
    method: request.method ?? "",
    url: `http://localhost${request.url}`,
    header: headersOf(request),
    body: request.iterator({ destroyOnReturn: false }),
    signal: controller.signal,
  };
}

const ENCODINGS: ReadonlySet<string> = new Set(["identity", "gzip", "br"]);

function headersOf({ headers }: IncomingMessage): Headers {
  const result = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? ""]) result.append(name, one);
  }
  for (const name of ["content-encoding", "grpc-encoding", "connect-content-encoding"]) {
    // connect quotes an encoding that it does not know.
    if (!ENCODINGS.has(result.get(name) ?? "identity")) result.set(name, "unsupported");
  }
  rewrite(result, "connect-timeout-ms", clampConnectTimeout);
  rewrite(result, "grpc-timeout", clampGrpcTimeout);
  return result;
}

function rewrite(headers: Headers, name: string, change: (value: string) => string): void {
  const value = headers.get(name);
  if (value !== null) headers.set(name, change(value));
}

const ENVELOPED = /^application\/(grpc-web|connect\+)/;

/** The same call with an empty message and no deadline of its own: nothing in it can be refused. */
export function emptyRequest({
  method,
  header,
  url,
}: Pick<Call, "method" | "header" | "url">): Pick<Call, "method" | "header" | "body"> {
  const queried = new URL(url).searchParams.get("encoding") === "json" ? "application/json" : "application/proto";
  const type = method === "GET" ? queried : (header.get("content-type") ?? "application/json");
  const message = Buffer.from(type.includes("json") ? "{}" : "");
  const body = ENVELOPED.test(type) ? Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]) : message;
  return {
    method: "POST",
    header: new Headers({ "content-type": type }),
    body: (async function* () {
      yield body;
    })(),
  };
}

/** Waits for a slow reader, and gives up with one that has gone. */
export async function sendResponse(
  { status, header, body }: UniversalServerResponse,
  response: ServerResponse,
  method: DescMethod,
): Promise<void> {
  if (body === undefined && status >= 400) return sendRefusal(status, response, method);
  response.writeHead(status, Object.fromEntries(header ?? []));
  for await (const chunk of body ?? []) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

/** connect leaves these empty, which tells somebody with curl nothing. */
function sendRefusal(status: number, response: ServerResponse, method: DescMethod): void {
  const error =
    status === 415 ? spokenBy(method) : "methods are called with POST; those without side effects with GET too";
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify({ error })}\n`);
}

function spokenBy({ name, methodKind }: DescMethod): string {
  if (methodKind !== "unary") return `${name} is a stream: use application/connect+json or gRPC`;
  return "content-type must be application/json or application/proto";
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

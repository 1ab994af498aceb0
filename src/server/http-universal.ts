import type { IncomingMessage, ServerResponse } from "node:http";
import type { DescMethod } from "@bufbuild/protobuf";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Clock } from "../clock.ts";
import { enterUntilClosed } from "./large-answer.ts";
import type { Place, Room } from "./room.ts";
import { takenInTime } from "./slow-reader.ts";
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

/** The same caller's call with an empty message and no deadline of its own: nothing in it can be refused by connect. */
export function emptyRequest({
  method,
  header,
  url,
}: Pick<Call, "method" | "header" | "url">): Pick<Call, "method" | "header" | "body"> {
  const queried = new URL(url).searchParams.get("encoding") === "json" ? "application/json" : "application/proto";
  const type = method === "GET" ? queried : (header.get("content-type") ?? "application/json");
  const message = Buffer.from(type.includes("json") ? "{}" : "");
  const body = ENVELOPED.test(type) ? Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]) : message;
  const authorization = header.get("authorization");
  return {
    method: "POST",
    header: new Headers({ "content-type": type, ...(authorization !== null && { authorization }) }),
    body: (async function* () {
      yield body;
    })(),
  };
}

export interface SendDeps {
  readonly clock: Clock;
  readonly method: DescMethod;
  /** The reader does not take what is sent: its connection is about to be closed. */
  readonly onSlow: () => void;
}

/** Waits for a slow reader, but not for ever, and gives up with one that has gone. */
export async function sendResponse(
  { status, header, body }: UniversalServerResponse,
  response: ServerResponse,
  { clock, method, onSlow }: SendDeps,
): Promise<void> {
  if (body === undefined && status >= 400) return sendRefusal(status, response, method);
  response.writeHead(status, Object.fromEntries(header ?? []));
  if (response.socket === null) await itsTurn(response);
  for await (const chunk of body ?? []) {
    if (response.destroyed) return;
    if (await takenInTime(clock, (taken) => write(response, chunk, taken))) continue;
    onSlow();
    response.destroy();
    return;
  }
  response.end();
}

/**
 * Room for a large answer, once it may be sent at all: while it waits for the answers before it on its connection it is
 * not encoded and takes none. Null when the signal is aborted first.
 */
export async function enterInTurn({ room, response, bytes, signal }: Entry): Promise<Place | null> {
  if (response.socket === null) await itsTurn(response);
  const { socket } = response;
  if (socket === null || signal.aborted) return null;
  const place = enterUntilClosed(room, socket, bytes, response);
  signal.addEventListener("abort", place.leave);
  const isEntered = await place.entered;
  signal.removeEventListener("abort", place.leave);
  return isEntered ? place : null;
}

interface Entry {
  readonly room: Room;
  readonly response: ServerResponse;
  readonly bytes: number;
  /** Of the call: aborted when its caller has gone or its deadline has passed. */
  readonly signal: AbortSignal;
}

/** Of a pipelined request: the answers before it are sent first, and may be claims that wait. */
function itsTurn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once("socket", () => resolve()).once("close", resolve);
  });
}

/** Taken is what the kernel has taken, whose buffers may hold megabytes; here there is one chunk at most. */
function write(response: ServerResponse, chunk: Uint8Array, taken: () => void): void {
  const done = () => {
    response.off("close", done);
    taken();
  };
  response.once("close", done);
  response.write(chunk, done);
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

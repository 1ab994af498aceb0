import { Agent, request as httpRequest } from "node:http";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { enumToJson, fromBinary } from "@bufbuild/protobuf";
import { type Code, CodeSchema } from "../../../gen/google/rpc/code_pb.ts";
import { SessionResponseSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { pathOf } from "../../../src/server/service-definition.ts";
import { grpcWebAnswer } from "../../../test/process/bad-inputs/answer.ts";
import type { Input } from "./inputs.ts";

/** How a server answered, in a word that can be counted. */
export interface Outcome {
  /** As google.rpc.Code spells it, `HTTP 4xx` before there is a call, `reset N`, `closed`. */
  readonly code: string;
  readonly message: string;
}

/** A client did not let it through. */
export const NOT_SENT = "not sent";

export interface Way {
  readonly carries: "everything" | "unary" | "streams" | "session";
  readonly format: "binary" | "json";
  readonly isEnveloped: boolean;
  readonly port: "grpc" | "http";
  readonly contentType: string;
  readonly encodingHeader: string;
  readonly timeoutHeader: string;
  timeout(ms: number): string;
}

const GRPC = { encodingHeader: "grpc-encoding", timeoutHeader: "grpc-timeout", timeout: (ms: number) => `${ms}m` };
const GRPC_PORT = {
  ...GRPC,
  format: "binary",
  isEnveloped: true,
  port: "grpc",
  contentType: "application/grpc",
} as const;
const CONNECT = {
  timeoutHeader: "connect-timeout-ms",
  timeout: (ms: number) => `${ms}`,
  port: "http",
} as const;
const CONNECT_UNARY = {
  ...CONNECT,
  carries: "unary",
  isEnveloped: false,
  encodingHeader: "content-encoding",
} as const;
const CONNECT_STREAM = {
  ...CONNECT,
  carries: "streams",
  isEnveloped: true,
  encodingHeader: "connect-content-encoding",
} as const;

export const WAYS = {
  gRPC: { ...GRPC_PORT, carries: "everything" },
  Session: { ...GRPC_PORT, carries: "session" },
  "gRPC-Web": {
    ...{ ...GRPC, carries: "unary", format: "binary", isEnveloped: true, port: "http" },
    contentType: "application/grpc-web+proto",
  },
  "Connect JSON": { ...CONNECT_UNARY, format: "json", contentType: "application/json" },
  "Connect binary": { ...CONNECT_UNARY, format: "binary", contentType: "application/proto" },
  "Connect stream JSON": { ...CONNECT_STREAM, format: "json", contentType: "application/connect+json" },
  "Connect stream binary": { ...CONNECT_STREAM, format: "binary", contentType: "application/connect+proto" },
} as const satisfies Record<string, Way>;

export type WayName = keyof typeof WAYS;

export interface Sender extends Disposable {
  send(input: Input): Promise<Outcome>;
}

/** Connections that are kept, and made anew when they are gone. */
export function createSender({ grpc, http }: { readonly grpc: string; readonly http: string }): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  let session: ClientHttp2Session | null = null;
  const connected = () => {
    if (session === null || session.closed || session.destroyed) {
      session = connect(`http://${grpc}`).on("error", () => undefined);
      session.setMaxListeners(0);
    }
    return session;
  };
  return {
    send: (input) => (WAYS[input.way].port === "grpc" ? overHttp2(connected(), input) : overHttp1(http, agent, input)),
    [Symbol.dispose]() {
      agent.destroy();
      session?.destroy();
    },
  };
}

function overHttp2(session: ClientHttp2Session, { method, headers, body, way }: Input): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const head = { ":method": "POST", ":path": pathOf(method), te: "trailers", ...headers };
  try {
    const stream = session.request(head);
    const answered: Record<string, unknown> = {};
    const chunks: Buffer[] = [];
    stream.on("error", () => undefined);
    stream.on("response", (more) => Object.assign(answered, more));
    stream.on("trailers", (more) => Object.assign(answered, more));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("close", () => {
      const status = answered["grpc-status"];
      const message = String(answered["grpc-message"] ?? "");
      const inside = way === "Session" ? bugInside(Buffer.concat(chunks)) : null;
      if (inside !== null) resolve(inside);
      else if (status !== undefined) resolve({ code: nameOf(Number(status)), message });
      else if (answered[":status"] !== undefined) resolve({ code: `HTTP ${answered[":status"]}`, message });
      else resolve({ code: `reset ${stream.rstCode ?? constants.NGHTTP2_NO_ERROR}`, message });
    });
    stream.end(body);
  } catch (error) {
    // What no client lets anybody send is sent by `frames`.
    resolve({ code: NOT_SENT, message: String(error) });
  }
  return promise;
}

function nameOf(status: number): string {
  return String(enumToJson(CodeSchema, status as Code));
}

/** An answer of a session that no caller deserves. */
function bugInside(bytes: Buffer): Outcome | null {
  for (let rest = bytes; rest.length >= 5; rest = rest.subarray(5 + rest.readUInt32BE(1))) {
    const { answer } = fromBinary(SessionResponseSchema, rest.subarray(5, 5 + rest.readUInt32BE(1)));
    if (answer.case === "error" && isBug(nameOf(answer.value.code))) {
      return { code: nameOf(answer.value.code), message: answer.value.message };
    }
  }
  return null;
}

function overHttp1(http: string, agent: Agent, input: Input): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const headers = { ...input.headers, "content-length": input.body.length };
  try {
    const request = httpRequest(http + pathOf(input.method), { method: "POST", headers, agent });
    request.on("error", (error) => resolve({ code: "closed", message: error.message }));
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", (error) => resolve({ code: "closed", message: error.message }));
      response.on("end", () => {
        const body = Buffer.concat(chunks);
        const isWeb = input.way === "gRPC-Web" && response.statusCode === 200;
        if (isWeb) resolve(grpcWebAnswer(200, response.headers, body));
        else resolve(connectOutcome(response.statusCode ?? 0, body, WAYS[input.way].isEnveloped));
      });
    });
    request.end(input.body);
  } catch (error) {
    resolve({ code: NOT_SENT, message: String(error) });
  }
  return promise;
}

/** Streams end with an envelope that holds the error, calls are the error. */
function connectOutcome(status: number, body: Buffer, isStream: boolean): Outcome {
  const said = isStream && status === 200 ? lastOf(body) : body.toString();
  const { error, code, message } = parsed(said);
  const found = error ?? { code, message };
  if (found.code === undefined) return { code: status === 200 ? "OK" : `HTTP ${status}`, message: "" };
  return { code: found.code.toUpperCase(), message: found.message ?? "" };
}

function lastOf(body: Buffer): string {
  for (let rest = body; rest.length >= 5; rest = rest.subarray(5 + rest.readUInt32BE(1))) {
    if ((rest[0] ?? 0) & 2) return rest.subarray(5).toString();
  }
  return "{}";
}

interface ConnectError {
  readonly code?: string;
  readonly message?: string;
}

function parsed(text: string): ConnectError & { readonly error?: ConnectError } {
  try {
    return (JSON.parse(text) ?? {}) as ConnectError;
  } catch {
    return {};
  }
}

/** What no input may be answered with. */
export function isBug(code: string): boolean {
  const reset = constants.NGHTTP2_INTERNAL_ERROR;
  return /^(INTERNAL|UNKNOWN|DATA_LOSS|HTTP 5\d\d)$/.test(code) || code === `reset ${reset}`;
}

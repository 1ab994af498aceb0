import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { JSON_OPTIONS } from "../../../src/server/http-json.ts";
import { type Answer, type CodeName, connectAnswer, envelope, grpcAnswer, grpcWebAnswer } from "./answer.ts";
import { carriedBySessions } from "./session-wire.ts";

export type Method<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> = DescMethodUnary<I, O>;

export type Headers = Readonly<Record<string, string>>;

/** One connection to one of the ports, in one of the protocols. It never opens a second one by itself. */
export interface Wire extends Disposable {
  readonly format: "binary" | "json";
  /** Sends an encoded message of the wire's format, without envelope. */
  send(method: Method, message: Uint8Array, headers?: Headers): Promise<Answer>;
  /** Starts a call and goes away; resolves when it has gone. */
  abandon(method: Method, message: Uint8Array, gone: Promise<void>): Promise<void>;
  /** The connection on which the first call was sent carries calls still. */
  isUnbroken(): boolean;
}

interface Addresses {
  readonly grpc: string;
  readonly http: string;
}

export const WIRES = {
  gRPC: ({ grpc }: Addresses) => openGrpc(grpc),
  "Connect JSON": ({ http }: Addresses) => openHttp(http, CONNECT_JSON),
  "Connect binary": ({ http }: Addresses) => openHttp(http, CONNECT_BINARY),
  "gRPC-Web": ({ http }: Addresses) => openHttp(http, GRPC_WEB),
  /** The methods that sessions carry on streams of Session, the others as unary calls on the same connection. */
  Session: ({ grpc }: Addresses) => openGrpc(grpc, true),
} as const;

export type WireName = keyof typeof WIRES;
export const WIRE_NAMES = Object.keys(WIRES) as readonly WireName[];
/** For what is decided behind the decoding, which Connect shares between its forms: both ports, both formats, sessions. */
export const DISTINCT_WIRES = WIRE_NAMES.filter((name) => name !== "Connect binary");
/** Those that carry protobuf bytes. */
export const BINARY_WIRES = WIRE_NAMES.filter((name) => name !== "Connect JSON");
/** Those that carry streams of answers: a session does not. */
export const STREAM_WIRES = WIRE_NAMES.filter((name) => name !== "Session");

export function encode<I extends DescMessage>(
  { format }: Pick<Wire, "format">,
  { input }: Method<I>,
  init: MessageInitShape<I>,
): Uint8Array {
  const message = create(input, init);
  return format === "binary" ? toBinary(input, message) : utf8(JSON.stringify(toJson(input, message, JSON_OPTIONS)));
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function pathOf({ parent, name }: Method): string {
  return `/${parent.typeName}/${name}`;
}

function openGrpc(address: string, bySession = false): Wire {
  // One MiB of headers is more than the client lets through by itself.
  const session: ClientHttp2Session = connect(`http://${address}`, { maxSendHeaderBlockLength: 1 << 22 });
  session.on("error", () => undefined);
  const start = (method: Method, message: Uint8Array, headers: Headers = {}) => {
    const flags = headers["grpc-encoding"] === undefined ? 0 : 1;
    const stream = session.request({
      ":method": "POST",
      ":path": pathOf(method),
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    // A stream may be closed before its request has wholly been sent: the answer is what counts.
    stream.on("error", () => undefined);
    stream.end(envelope(message, flags));
    return stream;
  };
  const carried = bySession ? carriedBySessions(session) : null;
  return {
    format: "binary",
    send(method, message, headers) {
      const sent = carried?.(method, message, headers);
      if (sent != null) return sent;
      const { promise, resolve } = Promise.withResolvers<Answer>();
      const stream = start(method, message, headers);
      const head: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      stream.on("response", (more) => Object.assign(head, more));
      stream.on("trailers", (more) => Object.assign(head, more));
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("close", () => {
        if (head["grpc-status"] === undefined) head["grpc-status"] = codeOfReset(stream.rstCode);
        resolve(grpcAnswer(head, Buffer.concat(chunks)));
      });
      return promise;
    },
    async abandon(method, message, gone) {
      const stream = start(method, message);
      const closed = new Promise<void>((resolve) => stream.once("close", resolve));
      await gone;
      stream.close(constants.NGHTTP2_CANCEL);
      await closed;
    },
    isUnbroken: () => !session.closed && !session.destroyed,
    [Symbol.dispose]: () => session.destroy(),
  };
}

/** What a gRPC client makes of a stream that ends without a status. */
export function codeOfReset(rstCode: number | undefined): CodeName {
  if (rstCode === constants.NGHTTP2_REFUSED_STREAM) return "UNAVAILABLE";
  if (rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM) return "RESOURCE_EXHAUSTED";
  return rstCode === constants.NGHTTP2_CANCEL ? "CANCELLED" : "INTERNAL";
}

interface HttpProtocol {
  readonly format: Wire["format"];
  readonly contentType: string;
  readonly encodingHeader: string;
  body(message: Uint8Array, compressed: boolean): Uint8Array;
  answer(status: number, headers: IncomingHttpHeaders, body: Buffer, output: DescMessage): Answer;
}

const CONNECT_JSON: HttpProtocol = {
  format: "json",
  contentType: "application/json",
  encodingHeader: "content-encoding",
  body: (message) => message,
  answer: connectAnswer,
};

const CONNECT_BINARY: HttpProtocol = { ...CONNECT_JSON, format: "binary", contentType: "application/proto" };

const GRPC_WEB: HttpProtocol = {
  format: "binary",
  contentType: "application/grpc-web+proto",
  encodingHeader: "grpc-encoding",
  body: (message, compressed) => envelope(message, compressed ? 1 : 0),
  answer: grpcWebAnswer,
};

function openHttp(http: string, protocol: HttpProtocol): Wire {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set<unknown>();
  const start = (method: Method, message: Uint8Array, headers: Headers, agent?: Agent) => {
    const compressed = headers[protocol.encodingHeader] !== undefined;
    const body = protocol.body(message, compressed);
    const request = httpRequest(http + pathOf(method), {
      method: "POST",
      headers: { "content-type": protocol.contentType, "content-length": body.length, ...headers },
      ...(agent === undefined ? { agent: new Agent() } : { agent }),
    });
    return { request, body };
  };
  return {
    format: protocol.format,
    send(method, message, headers = {}) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const { request, body } = start(method, message, headers, agent);
      request.on("socket", (socket) => sockets.add(socket));
      request.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          try {
            resolve(protocol.answer(response.statusCode ?? 0, response.headers, Buffer.concat(chunks), method.output));
          } catch (error) {
            reject(error);
          }
        });
        response.on("error", reject);
      });
      request.on("error", reject);
      request.end(body);
      return promise;
    },
    async abandon(method, message, gone) {
      const { request, body } = start(method, message, {});
      const closed = new Promise<void>((resolve) => request.once("close", resolve));
      request.on("error", () => undefined);
      request.end(body);
      await gone;
      request.destroy();
      await closed;
    },
    isUnbroken: () => sockets.size === 1,
    [Symbol.dispose]: () => agent.destroy(),
  };
}

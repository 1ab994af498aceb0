import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  IdempotencyService,
  SessionRequestSchema,
  type SessionResponse,
  SessionResponseSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { MessageReader } from "../../../src/server/grpc-messages.ts";
import { type Answer, envelope, grpcAnswer, statusAnswer } from "./answer.ts";
import { codeOfReset, type Headers, type Method, pathOf } from "./wires.ts";

/** The fields of SessionRequest that hold a call. */
const FIELDS: ReadonlyMap<string, number> = new Map([
  ["Claim", 10],
  ["Heartbeat", 11],
  ["Complete", 12],
  ["Fail", 13],
]);

type Send = (method: Method, message: Uint8Array, headers?: Headers) => Promise<Answer> | null;

/**
 * Sends a call on a stream of Session; null for a method that sessions do not carry. The message goes as it is, however
 * malformed, into a well-formed SessionRequest. Calls with the same headers share a stream, which lasts for as long as
 * calls are open on it; whoever breaks the framing gets the stream's own status as the answer.
 */
export function carriedBySessions(session: ClientHttp2Session): Send {
  const streams = new Map<string, SessionStream>();
  return (method, message, { "grpc-timeout": timeout, ...headers } = {}) => {
    const field = FIELDS.get(method.name);
    if (field === undefined || method.parent !== (IdempotencyService as unknown)) return null;
    const name = JSON.stringify(headers);
    let stream = streams.get(name);
    if (stream === undefined) {
      stream = openStream(session, headers, () => streams.delete(name));
      streams.set(name, stream);
    }
    return stream.call(method, requestOf(field, message, timeout));
  };
}

interface SessionStream {
  /** @param request without its id */
  call(method: Method, request: Uint8Array): Promise<Answer>;
}

interface OpenCall {
  readonly method: Method;
  answer(answer: Answer): void;
}

function openStream(session: ClientHttp2Session, headers: Headers, forget: () => void): SessionStream {
  const head: IncomingHttpHeaders = {};
  const open = new Map<bigint, OpenCall>();
  const reader = new MessageReader(2 ** 21);
  const stream: ClientHttp2Stream = session.request({
    ...{ ":method": "POST", ":path": pathOf(IdempotencyService.method.session as never), te: "trailers" },
    ...{ "content-type": "application/grpc", ...headers },
  });
  const read = () => {
    for (let bytes = reader.next(); bytes !== null; bytes = reader.next()) {
      const response = fromBinary(SessionResponseSchema, bytes);
      const call = open.get(response.id);
      open.delete(response.id);
      call?.answer(answerTo(call.method, response, bytes));
    }
    if (open.size > 0) return;
    forget();
    stream.end();
  };
  stream.on("error", () => undefined);
  stream.on("response", (more) => Object.assign(head, more));
  stream.on("trailers", (more) => Object.assign(head, more));
  stream.on("data", (chunk: Buffer) => {
    reader.push(chunk);
    read();
  });
  // The server has said all; without this it would leave a second for it.
  stream.on("end", () => stream.end());
  stream.on("close", () => {
    forget();
    if (head["grpc-status"] === undefined) head["grpc-status"] = codeOfReset(stream.rstCode);
    for (const { answer } of open.values()) answer(grpcAnswer(head, Buffer.alloc(0)));
  });
  let id = 0n;
  return {
    call(method, request) {
      id++;
      const { promise, resolve } = Promise.withResolvers<Answer>();
      open.set(id, { method, answer: resolve });
      const start = toBinary(SessionRequestSchema, create(SessionRequestSchema, { id }));
      stream.write(envelope(Buffer.concat([start, request])));
      return promise;
    },
  };
}

/** Hello opens no call, and goes by. */
function answerTo(method: Method, { answer }: SessionResponse, bytes: Uint8Array): Answer {
  const received = Buffer.from(bytes).toString("latin1");
  if (answer.case === "error") return statusAnswer(answer.value, received);
  const response = toBinary(method.output, answer.value as Message as never);
  return { code: "OK", message: "", details: new Map(), response, received };
}

function requestOf(field: number, message: Uint8Array, timeout: string | undefined): Buffer {
  const ms = /^(\d+)m$/.exec(timeout ?? "")?.[1];
  const rest = ms === undefined ? {} : { timeout: durationFromMs(Number(ms)) };
  const length: number[] = [];
  for (let left = message.length; left > 127; left >>>= 7) length.push((left & 127) | 128);
  length.push(message.length >>> (7 * length.length));
  return Buffer.concat([
    toBinary(SessionRequestSchema, create(SessionRequestSchema, rest)),
    Buffer.of((field << 3) | 2, ...length),
    message,
  ]);
}

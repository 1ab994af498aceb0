import type { IncomingHttpHeaders } from "node:http";
import { type DescMessage, enumToJson, fromBinary, fromJson, toBinary } from "@bufbuild/protobuf";
import { type Code, CodeSchema } from "../../../gen/google/rpc/code_pb.ts";
import { type Status, StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import { JSON_OPTIONS } from "../../../src/server/http-json.ts";

/** As google.rpc.Code spells it. */
export type CodeName = keyof typeof Code;

/** What came back, taken down to the bytes: no client library stands between the server and the test. */
export interface Answer {
  readonly code: CodeName;
  readonly message: string;
  /** Error details by full name. */
  readonly details: ReadonlyMap<string, Uint8Array>;
  /** The response, encoded; empty when the call failed. */
  readonly response: Uint8Array;
  /** All headers, trailers and bytes as text, base64 resolved: where an echo would show. */
  readonly received: string;
}

/** The five bytes before each message of gRPC and gRPC-Web. */
export function envelope(message: Uint8Array, flags = 0): Buffer {
  const head = Buffer.from([flags, 0, 0, 0, 0]);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export function connectAnswer(status: number, headers: IncomingHttpHeaders, body: Buffer, output: DescMessage): Answer {
  const head = JSON.stringify(headers);
  if (status === 200) {
    const isJson = headers["content-type"]?.includes("json") === true;
    const response = isJson
      ? toBinary(output, fromJson(output, JSON.parse(body.toString()), JSON_OPTIONS))
      : new Uint8Array(body);
    return { code: "OK", message: "", details: new Map(), response, received: head + body.toString("latin1") };
  }
  const json = parseObject(body.toString());
  const name = String(json["code"] ?? codeOfHttp(status)).toUpperCase();
  const code = name === "CANCELED" ? "CANCELLED" : (name as CodeName);
  const listed = (json["details"] ?? []) as { readonly type: string; readonly value: string }[];
  const details = new Map(listed.map(({ type, value }) => [type, new Uint8Array(Buffer.from(value, "base64"))]));
  const message = String(json["message"] ?? json["error"] ?? "");
  return { code, message, details, response: new Uint8Array(), received: head + body + textOf(details) };
}

/** What a Connect client makes of an HTTP status without a Connect error. */
function codeOfHttp(status: number): CodeName {
  const names: Readonly<Record<number, CodeName>> = {
    400: "INTERNAL",
    404: "UNIMPLEMENTED",
    415: "UNIMPLEMENTED",
  };
  return names[status] ?? "UNKNOWN";
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

const TRAILERS = 0x80;

export function grpcWebAnswer(status: number, headers: IncomingHttpHeaders, body: Buffer): Answer {
  const head: IncomingHttpHeaders = { ...headers };
  if (status !== 200) head["grpc-status"] ??= codeOfHttp(status);
  let message: Buffer = Buffer.alloc(0);
  for (let rest = body; status === 200 && rest.length >= 5; ) {
    const end = 5 + rest.readUInt32BE(1);
    const part = rest.subarray(5, end);
    if ((rest[0] ?? 0) & TRAILERS) Object.assign(head, parseTrailers(part.toString()));
    else message = envelope(part);
    rest = rest.subarray(end);
  }
  return grpcAnswer(head, message, body);
}

function parseTrailers(text: string): IncomingHttpHeaders {
  const lines = text.split("\r\n").filter((line) => line !== "");
  return Object.fromEntries(
    lines.map((line) => [line.split(":", 1)[0] ?? "", line.slice(line.indexOf(":") + 1).trim()]),
  );
}

export function grpcAnswer(head: IncomingHttpHeaders, framed: Buffer, raw = framed): Answer {
  const encoded = head["grpc-status-details-bin"];
  const status = encoded === undefined ? undefined : fromBinary(StatusSchema, Buffer.from(String(encoded), "base64"));
  const details = detailsOf(status);
  return {
    code: codeOfStatus(String(head["grpc-status"])),
    message: decodeURIComponent(String(head["grpc-message"] ?? "")),
    details,
    response: new Uint8Array(framed.subarray(5)),
    received: JSON.stringify(head) + (status?.message ?? "") + textOf(details) + raw.toString("latin1"),
  };
}

/** How a session answers a call that failed. */
export function statusAnswer(status: Status, received: string): Answer {
  const details = detailsOf(status);
  const code = enumToJson(CodeSchema, status.code as Code) as CodeName;
  return { code, message: status.message, details, response: new Uint8Array(), received: received + textOf(details) };
}

function detailsOf(status: Status | undefined): ReadonlyMap<string, Uint8Array> {
  return new Map(status?.details.map(({ typeUrl, value }) => [typeUrl.split("/").at(-1) ?? "", value]));
}

/** A number when the server said it, a name when it is our own reading of what it did. */
function codeOfStatus(status: string): CodeName {
  return /^\d+$/.test(status) ? (enumToJson(CodeSchema, Number(status) as Code) as CodeName) : (status as CodeName);
}

function textOf(details: ReadonlyMap<string, Uint8Array>): string {
  return [...details].map(([name, value]) => name + Buffer.from(value).toString("latin1")).join();
}

import { randomUUID } from "node:crypto";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { serviceDefinition } from "../../src/server/service-definition.ts";
import type { ServerProcess } from "./server.ts";

export type Method = DescMethodUnary<DescMessage, DescMessage>;

/** How a call failed, alike for every way to call. */
export class CallError extends Error {
  readonly code: Code;
  /** Full names of the detail messages. */
  readonly details: ReadonlyMap<string, JsonValue | Uint8Array>;

  constructor(code: Code, message: string, details: ReadonlyMap<string, JsonValue | Uint8Array>) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** One of the ways to call a server, down to the bytes. */
export interface Caller extends Disposable {
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: { readonly timeoutMs?: number },
  ): Promise<MessageShape<O>>;
}

export const CALLERS: Readonly<Record<string, (server: Pick<ServerProcess, "grpc" | "http">) => Caller>> = {
  "gRPC by grpc-js": ({ grpc: address }) => grpcCaller(address),
  "Connect JSON by connect-node": ({ http }) =>
    connectCaller(createConnectTransport({ baseUrl: http, httpVersion: "1.1", useBinaryFormat: false })),
  "Connect binary by connect-node": ({ http }) =>
    connectCaller(createConnectTransport({ baseUrl: http, httpVersion: "1.1", useBinaryFormat: true })),
  "gRPC-Web by connect-node": ({ http }) =>
    connectCaller(createGrpcWebTransport({ baseUrl: http, httpVersion: "1.1" })),
  "JSON by plain fetch": ({ http }) => fetchCaller(http),
};

export function grpcCaller(address: string): Caller {
  const definition = serviceDefinition(IdempotencyService);
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), { "grpc.enable_retries": 0 });
  return {
    call(method, request, { timeoutMs } = {}) {
      const { path, requestSerialize, responseDeserialize } = definition[
        method.localName
      ] as (typeof definition)[string];
      const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
      return new Promise((resolve, reject) => {
        const answered = (error: grpc.ServiceError | null, response?: Message) => {
          if (error === null) resolve(response as never);
          else reject(grpcError(error));
        };
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          create(method.input, request),
          options,
          answered,
        );
      });
    },
    [Symbol.dispose]: () => client.close(),
  };
}

function grpcError(error: grpc.ServiceError): CallError {
  const [status] = error.metadata.get("grpc-status-details-bin");
  const details = status instanceof Buffer ? fromBinary(StatusSchema, status).details : [];
  const named = details.map(({ typeUrl, value }) => [typeUrl.split("/").at(-1) ?? "", value] as const);
  return new CallError(error.code as number as Code, error.details, new Map(named));
}

function connectCaller(transport: Transport): Caller {
  const client = createClient(IdempotencyService, transport) as unknown as Client<never> &
    Record<string, (request: unknown, options: object) => Promise<never>>;
  return {
    async call(method, request, options = {}) {
      try {
        return await (client[method.localName] as (typeof client)[string])(request, options);
      } catch (error) {
        const { code, rawMessage, details } = ConnectError.from(error);
        const named = details.map((detail) =>
          "type" in detail ? ([detail.type, detail.value] as const) : (["", {}] as const),
        );
        throw new CallError(code, rawMessage, new Map(named as never));
      }
    },
    [Symbol.dispose]: () => undefined,
  };
}

function fetchCaller(http: string): Caller {
  return {
    async call(method, request, { timeoutMs } = {}) {
      const response = await fetch(`${http}/${method.parent.typeName}/${method.name}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(timeoutMs === undefined ? {} : { "connect-timeout-ms": String(timeoutMs) }),
        },
        body: JSON.stringify(toJson(method.input, create(method.input, request))),
      });
      const json = (await response.json()) as JsonValue;
      if (response.ok) return fromJson(method.output, json);
      const {
        code,
        message,
        details = [],
      } = json as { code: string; message: string; details?: { type: string; debug: JsonValue }[] };
      throw new CallError(codeOf(code), message, new Map(details.map(({ type, debug }) => [type, debug])));
    },
    [Symbol.dispose]: () => undefined,
  };
}

function codeOf(name: string): Code {
  const pascal = name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Code[pascal as keyof typeof Code];
}

export function newKey(key: string = randomUUID()) {
  return { scope: "charge", key };
}

export const newClaimId = () => randomUUID();

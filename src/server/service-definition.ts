import { type DescMessage, type DescMethod, type DescService, fromBinary, type Message } from "@bufbuild/protobuf";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { Malformed } from "../rpc/endpoint.ts";
import { encode } from "../rpc/wire/encode.ts";

export type GrpcMethod = MethodDefinition<Message | Malformed, Message>;

/**
 * A protobuf-es service as grpc-js wants it. A request that cannot be decoded is delivered as `Malformed`: if the
 * deserialiser threw, grpc-js would answer INTERNAL by itself and nobody would hear of the call.
 */
export function serviceDefinition(service: DescService): ServiceDefinition & Record<string, GrpcMethod> {
  const methods = service.methods.map((method): [string, GrpcMethod] => [
    method.localName,
    {
      path: pathOf(method),
      requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
      responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
      requestSerialize: (request) => encode(method.input, request as Message),
      requestDeserialize: (bytes) => decode(method.input, bytes),
      responseSerialize: (response) => encode(method.output, response),
      responseDeserialize: (bytes) => fromBinary(method.output, bytes),
    },
  ]);
  return Object.fromEntries(methods);
}

export function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

function decode(desc: DescMessage, bytes: Buffer): Message | Malformed {
  try {
    return fromBinary(desc, bytes);
  } catch (error) {
    return new Malformed(error);
  }
}

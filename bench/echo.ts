import { create, createFileRegistry, type DescMethodUnary } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { type Endpoint, Malformed } from "../src/rpc/endpoint.ts";

const field = (name: string, number: number) => ({
  name,
  number,
  type: Type.BYTES,
  label: Label.OPTIONAL,
  jsonName: name,
});

/** A service of one method that is nowhere in the contract: bytes in, bytes out. */
const registry = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: "bench/echo.proto",
    package: "holdfast.bench",
    syntax: "proto3",
    messageType: [{ name: "Payload", field: [field("body", 1)] }],
    service: [
      {
        name: "EchoService",
        method: [{ name: "Echo", inputType: ".holdfast.bench.Payload", outputType: ".holdfast.bench.Payload" }],
      },
    ],
  }),
  () => undefined,
);

export const ECHO_PATH = "/holdfast.bench.EchoService/Echo";

/** What the server costs without us: the same adapter, the same sizes, and nothing in between. */
export function createEcho(responseBytes: number): Endpoint {
  const method = registry.getService("holdfast.bench.EchoService")?.methods[0] as DescMethodUnary | undefined;
  if (method === undefined) throw new Error("bug: no echo method");
  const response = create(method.output, { body: new Uint8Array(responseBytes) } as never);
  return {
    kind: "unary",
    method,
    async call(request) {
      if (request instanceof Malformed) throw request.cause;
      return response;
    },
  };
}

import {
  create,
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  type Message,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { handleBidiStreamingCall, ServerDuplexStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import { Code } from "../../gen/google/rpc/code_pb.ts";
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import {
  ServerReflection as ServerReflectionAlpha,
  ServerReflectionResponseSchema as ServerReflectionAlphaResponseSchema,
} from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { Malformed } from "../rpc/endpoint.ts";

export interface ReflectionHandlers {
  readonly service: DescService;
  readonly handlers: UntypedServiceImplementation;
}

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/**
 * What a client without .proto files asks for: v1, and v1alpha with the same field numbers, which many tools still
 * speak. Descriptors are answered as they were compiled, with options that we do not know; the reflection package of
 * grpc-node encodes them anew and loses those.
 */
export function reflectionServices(services: readonly DescService[]): readonly ReflectionHandlers[] {
  const index = createIndex([...new Set(services), ServerReflection, ServerReflectionAlpha]);
  return [
    { service: ServerReflection, handlers: handlersOf(index, ServerReflectionResponseSchema) },
    { service: ServerReflectionAlpha, handlers: handlersOf(index, ServerReflectionAlphaResponseSchema) },
  ];
}

/** The two versions differ in their package only, so that a message of one is made from the parts of the other. */
function handlersOf(index: DescriptorIndex, output: DescMessage): UntypedServiceImplementation {
  const serverReflectionInfo: handleBidiStreamingCall<ServerReflectionRequest | Malformed, Message> = (call) => {
    call.on("data", (request: ServerReflectionRequest | Malformed) => {
      const messageResponse = request instanceof Malformed ? notFound("a request") : answer(index, request);
      const response =
        request instanceof Malformed
          ? { messageResponse }
          : { validHost: request.host, originalRequest: request, messageResponse };
      if (!call.write(create(output as typeof ServerReflectionResponseSchema, response))) pauseUntilDrained(call);
    });
    call.on("end", () => call.end());
  };
  return { serverReflectionInfo };
}

function pauseUntilDrained(call: ServerDuplexStream<unknown, unknown>): void {
  call.pause();
  call.once("drain", () => call.resume());
}

/** One question, one answer; what is not known is answered too, the stream goes on. */
export function answer(
  index: DescriptorIndex,
  { messageRequest }: Pick<ServerReflectionRequest, "messageRequest">,
): Answer {
  switch (messageRequest.case) {
    case "fileByFilename":
      return filesAnswer(index.files.get(messageRequest.value), "a file");
    case "fileContainingSymbol":
      return filesAnswer(index.symbols.get(messageRequest.value), "a symbol");
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = messageRequest.value;
      return filesAnswer(index.extensions.get(containingType)?.get(extensionNumber)?.file, "an extension");
    }
    case "allExtensionNumbersOfType": {
      const baseTypeName = messageRequest.value;
      if (index.symbols.get(baseTypeName) === undefined) return notFound("a type");
      const extensionNumber = [...(index.extensions.get(baseTypeName)?.keys() ?? [])];
      return { case: "allExtensionNumbersResponse", value: { baseTypeName, extensionNumber } };
    }
    case "listServices":
      return { case: "listServicesResponse", value: { service: index.services.map((name) => ({ name })) } };
    case undefined:
      return notFound("a request");
  }
}

function notFound(what: string): Answer {
  return {
    case: "errorResponse",
    value: { errorCode: Code.NOT_FOUND, errorMessage: `${what} of this name is not known here` },
  };
}

/** The file and everything that it imports, so that the client need not ask once per import. */
function filesAnswer(file: DescFile | undefined, what: string): Answer {
  if (file === undefined) return notFound(what);
  const fileDescriptorProto = withImports(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function withImports(file: DescFile, seen = new Set<DescFile>()): readonly DescFile[] {
  if (seen.has(file)) return [];
  seen.add(file);
  return [file, ...file.dependencies.flatMap((imported) => withImports(imported, seen))];
}

export interface DescriptorIndex {
  readonly services: readonly string[];
  readonly files: ReadonlyMap<string, DescFile>;
  /** By full name, also of methods, fields, oneofs and enum values. */
  readonly symbols: ReadonlyMap<string, DescFile>;
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, DescExtension>>;
}

export function createIndex(services: readonly DescService[]): DescriptorIndex {
  const seen = new Set<DescFile>();
  for (const { file } of services) withImports(file, seen);
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescExtension>>();
  for (const file of seen) {
    files.set(`${file.name}.proto`, file);
    for (const type of nestedTypes(file)) {
      for (const name of namesOf(type)) symbols.set(name, file);
      if (type.kind !== "extension") continue;
      const ofType = extensions.get(type.extendee.typeName) ?? new Map<number, DescExtension>();
      extensions.set(type.extendee.typeName, ofType.set(type.number, type));
    }
  }
  return { services: services.map(({ typeName }) => typeName).sort(), files, symbols, extensions };
}

function namesOf(type: DescMessage | DescEnum | DescExtension | DescService): readonly string[] {
  switch (type.kind) {
    case "message":
      return [type.typeName, ...[...type.fields, ...type.oneofs].map(({ name }) => `${type.typeName}.${name}`)];
    case "service":
      return [type.typeName, ...type.methods.map(({ name }) => `${type.typeName}.${name}`)];
    case "enum": {
      // Enum values belong to the scope around their enum.
      const scope = type.typeName.slice(0, -type.name.length);
      return [type.typeName, ...type.values.map(({ name }) => scope + name)];
    }
    case "extension":
      return [type.typeName];
  }
}

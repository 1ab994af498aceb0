import { fromBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";

const BINARY_SUFFIX = "-bin";
export const STATUS_DETAILS = "grpc-status-details-bin";

/** What connect calls HeadersInit; that name is only declared where the DOM's types are. */
export type HeaderFields = ConstructorParameters<typeof Headers>[0];

/** Headers carry binary values as base64, grpc-js as bytes. */
export function toMetadata(headers: HeaderFields): Metadata {
  const metadata = new Metadata();
  if (headers === undefined) return metadata;
  new Headers(headers).forEach((value, name) => {
    metadata.set(name, name.endsWith(BINARY_SUFFIX) ? Buffer.from(value, "base64") : value);
  });
  return metadata;
}

export function copyHeaders(metadata: Metadata, into: Headers): void {
  for (const name of Object.keys(metadata.getMap())) {
    for (const value of metadata.get(name)) {
      into.append(name, typeof value === "string" ? value : value.toString("base64"));
    }
  }
}

/** As connect's own transports give it: the details come from grpc-status-details-bin. */
export function toConnectError(error: unknown): ConnectError {
  if (!isServiceError(error)) return ConnectError.from(error, Code.Internal);
  const trailer = new Headers();
  copyHeaders(error.metadata, trailer);
  const wire = new ConnectError(error.details, toCode(error.code), trailer, undefined, error);
  wire.details = readDetails(error.metadata);
  return wire;
}

function toCode(status: number): Code {
  return status in Code ? status : Code.Unknown;
}

/** A proxy may put anything there; details that cannot be read are as good as none, as they are to connect itself. */
function readDetails(metadata: Metadata): ConnectError["details"] {
  const bytes = metadata.get(STATUS_DETAILS)[0];
  if (!(bytes instanceof Buffer)) return [];
  try {
    const { details } = fromBinary(StatusSchema, bytes);
    return details.map(toDetail);
  } catch {
    return [];
  }
}

/** A detail of google.rpc.Status as connect holds one that has come over the wire. */
export function toDetail({ typeUrl, value }: Any): { readonly type: string; readonly value: Uint8Array } {
  return { type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "details" in error && "metadata" in error && error.metadata instanceof Metadata;
}

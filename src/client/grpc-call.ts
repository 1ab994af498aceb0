import {
  type DescMessage,
  type DescMethodStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamResponse, type UnaryResponse } from "@connectrpc/connect";
import type { CallOptions, Client } from "@grpc/grpc-js";
import { wallDeadline } from "./clock.ts";
import { DEFAULT_TIMEOUT_MS } from "./closable-transport.ts";
import { copyHeaders, type HeaderFields, toConnectError, toMetadata } from "./grpc-metadata.ts";

/** As connect hands them to a transport. */
export interface GrpcCallOptions {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly headers: HeaderFields;
}

/** The details of an error come as connect gives them, from grpc-status-details-bin. */
export function callUnary<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodUnary<I, O>,
  { signal, timeoutMs, headers }: GrpcCallOptions,
  request: MessageShape<I>,
): Promise<UnaryResponse<I, O>> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal));
    const header = new Headers();
    const trailer = new Headers();
    let message: MessageShape<O> | undefined;
    const call = client.makeUnaryRequest<MessageShape<I>, MessageShape<O>>(
      path(method),
      (value) => asBuffer(toBinary(method.input, value)),
      (bytes) => fromBinary(method.output, bytes),
      request,
      toMetadata(headers),
      callOptions(timeoutMs ?? DEFAULT_TIMEOUT_MS),
      (error, value) => {
        signal?.removeEventListener("abort", cancel);
        message = value;
        if (error) reject(signal?.aborted ? aborted(signal) : toConnectError(error));
      },
    );
    const cancel = () => call.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    call.on("metadata", (metadata) => copyHeaders(metadata, header));
    // Comes after the callback, and brings the trailers.
    call.on("status", (status) => {
      copyHeaders(status.metadata, trailer);
      if (message !== undefined) {
        resolve({ stream: false, service: method.parent, method, header, trailer, message });
      }
    });
  });
}

export function callStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodStreaming<I, O>,
  { signal, timeoutMs, headers }: GrpcCallOptions,
  request: MessageShape<I>,
): StreamResponse<I, O> {
  if (signal?.aborted) throw aborted(signal);
  const header = new Headers();
  const trailer = new Headers();
  const call = client.makeServerStreamRequest<MessageShape<I>, MessageShape<O>>(
    path(method),
    (value) => asBuffer(toBinary(method.input, value)),
    (bytes) => fromBinary(method.output, bytes),
    request,
    toMetadata(headers),
    callOptions(timeoutMs),
  );
  const cancel = () => call.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  call.on("metadata", (metadata) => copyHeaders(metadata, header));
  call.on("status", (status) => copyHeaders(status.metadata, trailer));
  // An error that comes before anybody reads would otherwise end the process, and the reader would see a normal end.
  let failure: unknown;
  call.on("error", (error) => {
    failure = error;
  });

  async function* messages(): AsyncGenerator<MessageShape<O>> {
    try {
      for await (const message of call) yield message;
      if (failure !== undefined) throw failure;
    } catch (error) {
      throw signal?.aborted ? aborted(signal) : toConnectError(error);
    } finally {
      signal?.removeEventListener("abort", cancel);
      call.cancel();
    }
  }
  return { stream: true, service: method.parent, method, header, trailer, message: messages() };
}

function callOptions(timeoutMs: number | undefined): CallOptions {
  return timeoutMs === undefined || timeoutMs <= 0 ? {} : { deadline: wallDeadline(timeoutMs) };
}

function path(method: DescMethodUnary | DescMethodStreaming): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function aborted(signal: AbortSignal): ConnectError {
  return new ConnectError("the call was cancelled", Code.Canceled, undefined, undefined, signal.reason);
}

import type { DescMethodBiDiStreaming, DescMethodServerStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import { Code, ConnectError, createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";

const TEXT =
  "a session is a stream in both directions, which this port does not carry: use gRPC, on the port of --grpc-address, " +
  "or call the methods one by one";

/**
 * What this port answers in the place of a method that needs HTTP/2: UNIMPLEMENTED, with a sentence, in the protocol of
 * whoever asks. connect itself would close the connection with an empty 505.
 */
export function refusedHere(method: DescMethodBiDiStreaming): UniversalHandler {
  // At the gate, before the request is decoded: what is wrong with it is of no interest, and would be quoted.
  const requestGate = () => {
    throw new ConnectError(TEXT, Code.Unimplemented);
  };
  const router = () => createConnectRouter({ grpc: false, requestGate });
  // Two methods of the same name, because the protocol of an error is told from the kind of the method.
  const asUnary: DescMethodUnary = { ...method, methodKind: "unary" };
  const asStream: DescMethodServerStreaming = { ...method, methodKind: "server_streaming" };
  const unary = handlerOf(router().rpc(asUnary, requestGate));
  const stream = handlerOf(router().rpc(asStream, requestGate));
  const refuse = (request: UniversalServerRequest) => {
    const type = request.header.get("content-type") ?? "";
    if (stream.supportedContentType(type)) return stream(request);
    // Whoever speaks neither is answered in words too.
    if (!unary.supportedContentType(type)) request.header.set("content-type", "application/json");
    return unary(request);
  };
  return Object.assign(refuse, unary);
}

function handlerOf({ handlers: [handler] }: ReturnType<typeof createConnectRouter>): UniversalHandler {
  if (handler === undefined) throw new Error("bug: a method without a handler");
  return handler;
}

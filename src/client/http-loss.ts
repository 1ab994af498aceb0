import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalClientFn } from "@connectrpc/connect/protocol";

/**
 * The same, but whatever goes wrong on the way is UNAVAILABLE, as it is with gRPC: a connection that was refused, reset or
 * ended too early, a name that is not known, a certificate that is not trusted. What the call's own end brings about stays
 * as it is.
 */
export function tellingLoss(send: UniversalClientFn): UniversalClientFn {
  return async (request) => {
    const explain = (error: unknown) => (request.signal?.aborted ? error : lost(error));
    async function* whole(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      try {
        yield* body;
      } catch (error) {
        throw explain(error);
      }
    }
    try {
      const answer = await send(request);
      return { ...answer, body: whole(answer.body) };
    } catch (error) {
      throw explain(error);
    }
  };
}

/** What connect says when an answer ends before it is whole, with no error below it: a proxy does that to its clients. */
const INCOMPLETE = "protocol error: ";

/** An error of the transport, where an answer that is not whole counts as lost. What was sent as an error has headers. */
export function toLoss(error: unknown): unknown {
  if (!(error instanceof ConnectError) || error.code !== Code.InvalidArgument) return error;
  return error.rawMessage.startsWith(INCOMPLETE) && [...error.metadata].length === 0 ? lost(error) : error;
}

function lost(error: unknown): ConnectError {
  return new ConnectError(textOf(rootOf(error)), Code.Unavailable, undefined, undefined, error);
}

/** fetch says "fetch failed" and nothing else, and puts what happened below that; of several addresses one will do. */
function rootOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0]);
  return error instanceof Error && error.cause instanceof Error ? rootOf(error.cause) : error;
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error instanceof ConnectError ? error.rawMessage : error.message;
  // Of Node's parser, and of that of its fetch.
  const isNoHttp = ("code" in error && String(error.code).startsWith("HPE_")) || error.name === "HTTPParserError";
  return isNoHttp ? `what answers there does not speak HTTP/1.1: is it the port of --http-address? (${text})` : text;
}

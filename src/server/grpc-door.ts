import type {
  Http2SecureServer,
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from "node:http2";
import type { Server } from "@grpc/grpc-js";
import type { Clock } from "../clock.ts";
import { watchStalledCalls } from "./grpc-stalled.ts";
import { clampGrpcTimeout, parseGrpcTimeout } from "./timeout.ts";
import { admitVerified } from "./tls/admission.ts";
import { followTcpSockets, type TcpSockets } from "./tls/tcp-sockets.ts";
import type { Tls } from "./tls.ts";

/** Headers that the door writes for the handler; whatever a caller sent under these names is dropped. */
export const DEADLINE_HEADER = "holdfast-deadline";
export const BAD_TIMEOUT_HEADER = "holdfast-bad-timeout";
/** The grpc-encoding of the request, which grpc-js keeps to itself. */
export const ENCODING_HEADER = "holdfast-encoding";

export interface DoorDeps {
  readonly clock: Clock;
  readonly paths: ReadonlySet<string>;
  /** Paths whose requests may stay open: their messages come one by one. */
  readonly openEndedPaths: ReadonlySet<string>;
  /** Paths whose answers come one by one. */
  readonly streamPaths: ReadonlySet<string>;
  /** Told of every connection. */
  readonly welcome: (session: ServerHttp2Session) => void;
  /** Null: clear text. */
  readonly tls: Tls | null;
}

export interface Door extends Disposable {
  /** Breaks a connection without waiting for its peer to take what is left. */
  reset(session: ServerHttp2Session): void;
  /** Closes the connections whose handshake is not over: grpc-js does not know of them, and would wait for them. */
  closeUnsecured(): void;
  /** The same for all that grpc-js may have forgotten. */
  destroy(): void;
}

/**
 * Stands before grpc-js and repairs what grpc-js would answer wrongly or not at all, each seen in 1.14.7:
 *
 * - a deadline over 24.8 days overflows there and is exceeded at once: it is cut to what a timer holds;
 * - a malformed grpc-timeout is answered INTERNAL and quoted: it is handed to the endpoint as malformed;
 * - an unknown path or grpc-encoding is quoted in the error: it is replaced;
 * - application/grpc-web is read as gRPC: it becomes 415;
 * - a request that never ends, or an answer that is never read, is kept for ever: they are closed.
 *
 * The HTTP/2 servers are reached through a private map of grpc-js, because no public hook runs before the headers are
 * parsed. The dependency is pinned to the patch level, and the process tests fail if the door no longer stands.
 */
export function openDoor(server: Server, deps: DoorDeps): Door {
  const stalled = watchStalledCalls(deps.clock);
  const greet = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    cleanHeaders(headers, deps);
    const path = headers[":path"] ?? "";
    if (!deps.openEndedPaths.has(path)) stalled.watch(stream, !deps.streamPaths.has(path));
  };
  const tcp: TcpSockets[] = [];
  for (const http2Server of http2ServersOf(server)) {
    http2Server.prependListener("stream", greet);
    http2Server.on("session", deps.welcome);
    if (deps.tls === null) continue;
    const secureServer = http2Server as Http2SecureServer;
    tcp.push(followTcpSockets(secureServer));
    admitVerified(secureServer, deps.tls);
  }
  return {
    reset({ socket }) {
      if (deps.tls === null) socket.resetAndDestroy();
      else for (const sockets of tcp) sockets.under(socket)?.resetAndDestroy();
    },
    closeUnsecured() {
      for (const sockets of tcp) sockets.closeUnsecured();
    },
    destroy() {
      for (const sockets of tcp) sockets.destroy();
    },
    [Symbol.dispose]: () => stalled[Symbol.dispose](),
  };
}

type AnyHttp2Server = Http2Server | Http2SecureServer;

function http2ServersOf(server: Server): readonly AnyHttp2Server[] {
  const { http2Servers } = server as unknown as { readonly http2Servers?: ReadonlyMap<AnyHttp2Server, unknown> };
  const found = http2Servers instanceof Map ? [...http2Servers.keys()] : [];
  if (found.length === 0) throw new Error("bug: grpc-js no longer keeps its HTTP/2 servers in http2Servers");
  return found;
}

const CONTENT_TYPE = /^application\/grpc(\+proto)?\s*(;|$)/;
const ENCODINGS: ReadonlySet<string> = new Set(["identity", "gzip", "deflate"]);

function cleanHeaders(headers: IncomingHttpHeaders, { clock, paths }: DoorDeps): void {
  if (!paths.has(headers[":path"] ?? "")) headers[":path"] = "/(unknown)";
  if (!CONTENT_TYPE.test(headers["content-type"] ?? "")) headers["content-type"] = "unsupported";
  const encoding = headers["grpc-encoding"];
  if (encoding !== undefined && !ENCODINGS.has(String(encoding))) headers["grpc-encoding"] = "unsupported";
  delete headers[DEADLINE_HEADER];
  delete headers[BAD_TIMEOUT_HEADER];
  delete headers[ENCODING_HEADER];
  if (encoding !== undefined) headers[ENCODING_HEADER] = headers["grpc-encoding"];
  const timeout = headers["grpc-timeout"];
  if (timeout === undefined) return;
  const ms = parseGrpcTimeout(String(timeout));
  if (ms === undefined) {
    delete headers["grpc-timeout"];
    headers[BAD_TIMEOUT_HEADER] = "1";
  } else {
    headers[DEADLINE_HEADER] = String(clock.monotonicMs() + ms);
    headers["grpc-timeout"] = clampGrpcTimeout(String(timeout));
  }
}

import { Agent as ClearAgent } from "node:http";
import { Agent as SecureAgent } from "node:https";
import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate, type SecureContext } from "node:tls";
import { createNodeHttpClient, Http2SessionManager } from "@connectrpc/connect-node";
import type { Http } from "./http-line.ts";

export interface HttpSecurity {
  readonly context: SecureContext;
  /** The name that the server's certificate must hold; undefined: the host of the address. */
  readonly serverName: string | undefined;
}

/** HTTP by node:http or node:http2, through connect-node. */
export function openNodeHttp(baseUrl: string, httpVersion: "1.1" | "2", security: HttpSecurity | undefined): Http {
  const tls = security && { secureContext: security.context, ...named(security.serverName) };
  if (httpVersion === "2") {
    // As often as with gRPC: a connection whose other end is gone without a word is found within 40 s.
    const pings = { pingIntervalMs: 30_000, pingTimeoutMs: 10_000 };
    const session = new Http2SessionManager(baseUrl, pings, tls);
    return {
      send: createNodeHttpClient({ httpVersion, sessionProvider: () => session }),
      close: () => session.abort(),
    };
  }
  const agent = tls === undefined ? new ClearAgent(KEPT) : new SecureAgent({ ...KEPT, ...tls });
  return { send: createNodeHttpClient({ httpVersion, nodeOptions: { agent } }), close: () => agent.destroy() };
}

/** A claim that waits has a connection to itself, which may be silent for half a minute: the kernel asks for it. */
const KEPT = { keepAlive: true, keepAliveMsecs: 30_000 } as const;

/** An IP address is no server name, for RFC 6066 (section 3) and so for Node; the certificate must hold it all the same. */
function named(serverName: string | undefined) {
  if (serverName === undefined) return {};
  if (isIP(serverName) === 0) return { servername: serverName };
  return {
    servername: "",
    checkServerIdentity: (_: string, certificate: PeerCertificate) => checkServerIdentity(serverName, certificate),
  };
}

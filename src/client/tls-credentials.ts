import { isIP, type Socket } from "node:net";
import { checkServerIdentity, connect, type SecureContext } from "node:tls";
import { ChannelCredentials, credentials } from "@grpc/grpc-js";

/** The option of a channel that says which name the server's certificate must hold. */
export const SERVER_NAME = "grpc.ssl_target_name_override";

type ConnectorArguments = Parameters<ChannelCredentials["_createSecureConnector"]>;
type Connector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/**
 * grpc-js's own, but for servers whose name is an IP address, if SERVER_NAME says so. grpc-js would send the address as
 * the server's name, which RFC 6066 (section 3) forbids and Node warns of as DEP0123. Here nothing is sent, and the
 * certificate must hold the address.
 */
export class TlsCredentials extends ChannelCredentials {
  readonly #context: SecureContext;
  readonly #named: ChannelCredentials;

  constructor(context: SecureContext) {
    super();
    this.#context = context;
    this.#named = credentials.createFromSecureContext(context);
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(...[target, options, ofCalls]: ConnectorArguments): Connector {
    const named = this.#named._createSecureConnector(target, options, ofCalls);
    const name: unknown = options[SERVER_NAME];
    if (typeof name !== "string" || isIP(name) === 0) return named;
    return {
      connect: (socket) => connectTo(name, socket, this.#context),
      waitForReady: () => named.waitForReady(),
      getCallCredentials: () => named.getCallCredentials(),
      destroy: () => named.destroy(),
    };
  }
}

function connectTo(ip: string, socket: Socket, secureContext: SecureContext): ReturnType<Connector["connect"]> {
  return new Promise((resolve, reject) => {
    const options = {
      ...{ socket, secureContext, host: ip, ALPNProtocols: ["h2"], rejectUnauthorized: true },
      checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
        checkServerIdentity(ip, certificate),
    };
    const secure = connect(options, () => resolve({ socket: secure, secure: true }));
    secure.on("error", reject);
  });
}

/** The IP address in a target of gRPC, such as 127.0.0.1:7400, [::1]:7400 or dns:///10.0.0.1; null: it is a name. */
export function addressIn(target: string): string | null {
  const [first = ""] = target.replace(/^(?:dns|ipv4|ipv6):(?:\/\/[^/]*\/)?/, "").split(",");
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(first) ?? [];
  const host = bracketed ?? plain ?? first;
  return isIP(host) === 0 ? null : host;
}

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type SecureContextOptions } from "node:tls";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { contextOptions } from "../../src/server/tls/context-options.ts";
import type { Tls } from "../../src/server/tls.ts";
import { type Authority, createAuthority, type IssuedCertificate } from "./certificates.ts";

/** What a server encrypts with, for tests without files: it changes when it is told to. */
export interface TestTls extends Tls {
  readonly authority: Authority;
  change(own: IssuedCertificate, clientCa?: string | null): void;
}

export function createTestTls(clientCertificates: Tls["clientCertificates"] = "none"): TestTls {
  const authority = createAuthority();
  const listeners: ((changed: SecureContextOptions) => void)[] = [];
  const options = ({ certPem, keyPem }: IssuedCertificate, clientCa: string | null) =>
    contextOptions({ cert: certPem, key: keyPem, clientCa });
  const authorities = clientCertificates === "none" ? null : authority.caPem;
  let current = options(authority.issue({ names: ["DNS:localhost", "IP:127.0.0.1"] }), authorities);
  return {
    ...{ authority, clientCertificates },
    get current() {
      return current;
    },
    notAfter: new Date(8.64e15),
    onChange: (listener) => void listeners.push(listener),
    change(own, clientCa = authorities) {
      current = options(own, clientCa);
      for (const listener of listeners) listener(current);
    },
    [Symbol.dispose]: () => undefined,
  };
}

/** For `describe.each`: a connection in clear text, and one that is encrypted. */
export const WIRES = [
  { wire: "clear text", tls: null },
  { wire: "TLS", tls: createTestTls() },
] as const satisfies readonly { readonly wire: string; readonly tls: TestTls | null }[];

export function channelCredentialsTo(tls: TestTls | null): ChannelCredentials {
  return tls === null ? credentials.createInsecure() : credentials.createSsl(Buffer.from(tls.authority.caPem));
}

/** The first bytes of an encrypted connection are ours to send once this has resolved. */
export async function connectSocket(port: number, tls: TestTls | null): Promise<Socket> {
  const host = "127.0.0.1";
  const socket = tls === null ? connect({ host, port }) : connectTls({ host, port, ca: tls.authority.caPem });
  await once(socket, tls === null ? "connect" : "secureConnect");
  return socket;
}

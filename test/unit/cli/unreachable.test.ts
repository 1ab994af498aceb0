import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../../../src/cli/commands.ts";
import { createAuthority, type IssuedCertificate } from "../../support/certificates.ts";

const authority = createAuthority();
const folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-unreachable-"));

function fileWith(name: string, text: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  return path;
}

const CA = ["--tls-ca", fileWith("ca.pem", authority.caPem)];
const OTHER_CA = ["--tls-ca", fileWith("other.pem", createAuthority("Another").caPem)];
const stranger = createAuthority("Another").issue({ names: ["DNS:x"], client: true });
const STRANGER = [
  ...["--client-cert", fileWith("client.pem", stranger.certPem)],
  ...["--client-key", fileWith("client.key", stranger.keyPem)],
];

const options = ({ certPem: cert, keyPem: key }: IssuedCertificate) => ({ cert, key });
const named = options(authority.issue({ names: ["DNS:localhost", "IP:127.0.0.1"] }));
const h2 = { ALPNProtocols: ["h2"] };

/** What may be met in the place of a server. */
const MET = {
  http: createHttp((_, response) => void response.end()),
  https: createHttps(named, (_, response) => void response.end()),
  banner: createTcp((socket) => void socket.on("error", () => undefined).end("220 ready\r\n")),
  tls: createTls({ ...named, ...h2 }),
  elsewhere: createTls({ ...options(authority.issue({ names: ["DNS:localhost"] })), ...h2 }),
  expired: createTls({
    ...options(authority.issue({ names: ["IP:127.0.0.1"], days: -1 })),
    ALPNProtocols: ["h2", "http/1.1"],
  }),
  choosy: createTls({ ...named, ...h2, requestCert: true, rejectUnauthorized: true, ca: authority.caPem }),
} satisfies Record<string, Server>;

beforeAll(async () => {
  for (const server of Object.values(MET)) {
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  }
});

afterAll(() => {
  for (const server of Object.values(MET)) server.close();
  folder.remove();
});

/** Of a command that must end with this code. */
async function errorOf(code: number, ...args: readonly string[]): Promise<string> {
  let error = "";
  const io = {
    out: () => undefined,
    error: (text: string) => {
      error += text;
    },
    ...{ terminal: false, env: {} },
  };
  expect(await runCommand(args, io)).toBe(code);
  return error;
}

const addressOf = (met: keyof typeof MET) => `127.0.0.1:${(MET[met].address() as AddressInfo).port}`;

const NO_GRPC = /: it does not speak gRPC: perhaps it is the HTTP port of a server, .*--server or HOLDFAST_SERVER\n$/;
const NO_TLS = /: it does not speak TLS; leave out what asks for it: --tls, --tls-ca and --client-cert, .*\n$/;
const SPEAKS_TLS =
  /: it has closed the connection: probably it speaks TLS; name its authority with --tls-ca, or add --tls .*\n$/;
const UNTRUSTED = /: its certificate is not trusted; name its authority with --tls-ca\n$/;
const NO_NAME = /: its certificate does not hold the name 127\.0\.0\.1; another server is named with .*\n$/;
const SHOW_ONE = /--client-cert and --client-key\n$/;

test.each<[string, keyof typeof MET, readonly string[], RegExp]>([
  ["the HTTP port", "http", [], NO_GRPC],
  ["the HTTP port, over TLS", "http", CA, NO_TLS],
  ["the HTTP port of a server with TLS", "https", CA, /: it speaks TLS, but not gRPC: perhaps it is the HTTP port/],
  ["the HTTP port of a server with TLS, in clear text", "https", [], SPEAKS_TLS],
  ["something else", "banner", [], NO_GRPC],
  ["something else, over TLS", "banner", ["--tls"], NO_TLS],
  ["a server with TLS, in clear text", "tls", [], SPEAKS_TLS],
  ["an authority that Node does not know", "tls", ["--tls"], UNTRUSTED],
  ["another authority", "tls", OTHER_CA, /: its certificate is of none of the authorities of --tls-ca; name its own/],
  ["a certificate of another name", "elsewhere", CA, NO_NAME],
  ["a certificate that has expired", "expired", CA, /: its certificate is out of date; .*\n$/],
  ["a server that wants a certificate", "choosy", CA, SHOW_ONE],
  ["a server that wants another certificate", "choosy", [...CA, ...STRANGER], SHOW_ONE],
])("a gRPC call that meets %s is told in one sentence", async (_, met, args, expected) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on("warning", onWarning);
  const error = await errorOf(3, "tenants", "list", "--server", addressOf(met), ...args);
  process.off("warning", onWarning);
  expect(error).toMatch(expected);
  expect(error.startsWith(`holdfast: no answer from ${addressOf(met)}: `)).toBe(true);
  expect(error).not.toMatch(/SSL routines|Resolution note|Last error|\ufffd/);
  expect(warnings).toEqual([]);
});

test.each<[string, keyof typeof MET, readonly string[], RegExp]>([
  ["a server without TLS, over TLS", "http", CA, NO_TLS],
  ["the gRPC port of a server with TLS", "tls", CA, /: it speaks TLS, but not HTTP: perhaps it is the gRPC port/],
  ["something else", "banner", [], /: it does not speak HTTP: perhaps it is the gRPC port of a server/],
  ["a server with TLS, in clear text", "https", [], SPEAKS_TLS],
  ["an authority that Node does not know", "https", ["--tls"], UNTRUSTED],
  ["a certificate that has expired", "expired", CA, /: its certificate is out of date; /],
])("a question for its health that meets %s is told in one sentence", async (_, met, args, expected) => {
  const error = await errorOf(1, "health", "--http-address", addressOf(met), ...args);
  expect(error).toMatch(expected);
  expect(error.startsWith("holdfast: no answer from http")).toBe(true);
  expect(error).not.toMatch(/SSL routines|\ufffd/);
});

test("a host that is not known, and one where nothing listens, are told as that", async () => {
  expect(await errorOf(3, "tenants", "list", "--server", "nowhere.invalid:1")).toContain(": the host is not known; ");
  expect(await errorOf(1, "health", "--http-address", "nowhere.invalid:1")).toContain(": the host is not known; ");
  expect(await errorOf(1, "health", "--http-address", "0.0.0.0:1")).toMatch(
    /http:\/\/127\.0\.0\.1:1\/readyz: nothing listens there; /,
  );
});

test("files of a certificate that do not go together, or hold none, are told by their flags", async () => {
  const [, cert = "", , key = ""] = STRANGER;
  const [, ca = ""] = CA;
  for (const command of [["tenants", "list", "--server", "127.0.0.1:1"], ["health"]]) {
    const error = (flags: readonly string[]) => errorOf(1, ...command, ...flags);
    expect(await error(["--client-cert", cert, "--client-key", ca])).toBe(
      "holdfast: --client-key must hold a private key in PEM, without a passphrase\n",
    );
    expect(await error(["--client-cert", key, "--client-key", key])).toBe(
      "holdfast: --client-cert must hold certificates in PEM\n",
    );
    expect(await error(["--client-cert", ca, "--client-key", key])).toBe(
      "holdfast: --client-key is not the key of --client-cert\n",
    );
    expect(await error(["--client-cert", "/does/not/exist", "--client-key", key])).toBe(
      "holdfast: --client-cert cannot be read (ENOENT): /does/not/exist\n",
    );
  }
});

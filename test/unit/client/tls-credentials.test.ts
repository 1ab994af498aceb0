import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { createClient } from "../../../src/client/client.ts";
import { addressIn } from "../../../src/client/tls-credentials.ts";
import { createAuthority } from "../../support/certificates.ts";

const authority = createAuthority();
const opened: Http2SecureServer[] = [];

afterEach(() => {
  for (const server of opened.splice(0)) server.close();
});

interface Met {
  /** The names that callers asked for, by SNI; false: none. */
  readonly asked: unknown[];
  readonly port: number;
}

/** Answers every call with RESOURCE_EXHAUSTED, which no transport says by itself. */
async function serve(names: readonly string[], host: string): Promise<Met> {
  const { certPem: cert, keyPem: key } = authority.issue({ names });
  const server = createSecureServer({ cert, key });
  const asked: unknown[] = [];
  server.on("secureConnection", (socket: TLSSocket & { servername?: unknown }) => void asked.push(socket.servername));
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "8" }, { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  opened.push(server);
  return { asked, port: (server.address() as AddressInfo).port };
}

/** What a call ends with, and what Node warned of meanwhile. */
async function call(address: string, serverName?: string) {
  const warnings: string[] = [];
  const onWarning = ({ message }: Error) => void warnings.push(message);
  process.on("warning", onWarning);
  const tls = { ca: authority.caPem, ...(serverName !== undefined && { serverName }) };
  await using client = createClient({ address, tls });
  const error = await client.rpc.getRecord({}).catch((thrown) => thrown);
  process.off("warning", onWarning);
  return { said: String(error.message), warnings };
}

const ANSWERED = /^\[resource_exhausted\]/;

describe.each([
  ["127.0.0.1", "127.0.0.1", "IP:127.0.0.1", "IP:127.0.0.2"],
  ["[::1]", "::1", "IP:::1", "IP:::2"],
])("a server at %s", (shown, host, right, wrong) => {
  test("is called without a name, and its certificate holds the address", async () => {
    const { asked, port } = await serve([right], host);
    const { said, warnings } = await call(`${shown}:${port}`);
    expect(said).toMatch(ANSWERED);
    expect(asked).toEqual([false]);
    expect(warnings).toEqual([]);
  });

  test.each([
    ["another address", wrong],
    ["a name only", "DNS:localhost"],
  ])("is not believed with a certificate of %s", async (_, name) => {
    const { asked, port } = await serve([name], host);
    const { said, warnings } = await call(`${shown}:${port}`);
    expect(said).toContain(`does not match certificate's altnames: IP: ${host} is not in the cert's list`);
    expect(asked.every((sent) => sent === false)).toBe(true);
    expect(warnings).toEqual([]);
  });

  test("may be called by a name that its certificate holds", async () => {
    const { asked, port } = await serve(["DNS:holdfast.test"], host);
    expect((await call(`${shown}:${port}`, "holdfast.test")).said).toMatch(ANSWERED);
    expect(asked).toEqual(["holdfast.test"]);
  });
});

test("a server that is called by a name may be known by an address", async () => {
  const { asked, port } = await serve(["IP:10.0.0.1"], "127.0.0.1");
  const { said, warnings } = await call(`localhost:${port}`, "10.0.0.1");
  expect(said).toMatch(ANSWERED);
  expect({ asked, warnings }).toEqual({ asked: [false], warnings: [] });
  expect((await call(`localhost:${port}`, "10.0.0.2")).said).toContain("IP: 10.0.0.2 is not in the cert's list");
});

test("no certificate of another authority is believed, whatever address it holds", async () => {
  const { port } = await serve(["IP:127.0.0.1"], "127.0.0.1");
  await using client = createClient({ address: `127.0.0.1:${port}`, tls: { ca: createAuthority("Another").caPem } });
  await expect(client.rpc.getRecord({})).rejects.toThrow(/unable to verify/);
});

test.each([
  ["127.0.0.1:7400", "127.0.0.1"],
  ["[::1]:7400", "::1"],
  ["::1", "::1"],
  ["10.0.0.1", "10.0.0.1"],
  ["dns:10.0.0.1:7400", "10.0.0.1"],
  ["dns:///10.0.0.1:7400", "10.0.0.1"],
  ["dns://8.8.8.8/holdfast:7400", null],
  ["ipv4:10.0.0.1:7400,10.0.0.2:7400", "10.0.0.1"],
  ["ipv6:[fe80::1]:7400", "fe80::1"],
  ["localhost:7400", null],
  ["10.0.0.1.example.org:7400", null],
  ["unix:/run/holdfast.sock", null],
])("in the target %s the address is %s", (target, address) => {
  expect(addressIn(target)).toBe(address);
});

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ClientOptions, createClient, type Holdfast } from "../../../src/client/client.ts";
import { utf8Length } from "../../../src/client/limits.ts";
import { createClient as createWebClient, type ClientOptions as WebOptions } from "../../../src/client/web.ts";
import { startTcpServer } from "../../support/https-server.ts";

let stack: AsyncDisposableStack;

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

describe("options", () => {
  test.each<[string, Partial<ClientOptions>, RegExp]>([
    ["a URL", { address: "http://a:7401" }, /must be host:port.*and not a URL/],
    ["a path", { address: "a:7401/holdfast" }, /must be host:port of a server's HTTP port, such as/],
    ["a user", { address: "me:secret@a:7401" }, /must be host:port of a server's HTTP port, such as/],
    ["port 0", { address: "a:0" }, /such as localhost:7401/],
    ["a port that is too high", { address: "a:65536" }, /such as localhost:7401/],
    ["a target of gRPC", { addresses: ["a:1", "dns:///a:7401"] }, /such as localhost:7401/],
    ["nothing", { address: "" }, /such as localhost:7401/],
    ["another HTTP", { address: "a:1", httpVersion: "3" as never }, /^httpVersion must be "1.1" or "2", and not "3"$/],
    ["a credential in clear text", { address: "a:1", apiKey: "k" }, /in clear text: set tls/],
    ["TLS that is no TLS", { address: "a:1", tls: { ca: "ca.pem" } }, /tls.ca must hold certificates in PEM/],
  ])("of connect with %s are refused at once, and not quoted", (_, options, message) => {
    const open = () => createClient({ transport: "connect", ...options });
    expect(open).toThrow(TypeError);
    expect(open).toThrow(message);
    expect(open).not.toThrow(/secret/);
  });

  test.each(["grpc", "session"] as const)("of %s have no httpVersion", (transport) => {
    const open = () => createClient({ address: "a:1", transport, httpVersion: "2" });
    expect(open).toThrow(/^httpVersion is for the transport "connect"$/);
  });

  test.each<[string, Partial<Record<keyof WebOptions, unknown>>, RegExp]>([
    ["a URL", { address: "https://a" }, /and not a URL/],
    ["no address", {}, /needs an address/],
    ["certificates", { address: "a:1", tls: { ca: "" } }, /^tls must be true or false: the runtime sees to certif/],
    ["gRPC", { address: "a:1", transport: "grpc" }, /^transport must be a Transport of connect, or left out: gRPC/],
    ["a credential in clear text", { address: "a:1", tls: false, token: "t" }, /in clear text: set tls/],
  ])("of the web client with %s are refused at once", (_, options, message) => {
    expect(() => createWebClient(options as WebOptions)).toThrow(TypeError);
    expect(() => createWebClient(options as WebOptions)).toThrow(message);
  });

  test.each(["localhost", "a.example:443", "[::1]:7401", "10.0.0.1:7401", "my_service:1"])(
    "take %s",
    async (address) => {
      await createClient({ address, transport: "connect" }).close();
      await createWebClient({ address }).close();
    },
  );
});

const OPEN: readonly [string, (address: string) => Holdfast][] = [
  ["connect", (address) => createClient({ address, transport: "connect", retry: { totalTimeoutMs: 200 } })],
  ["the web client", (address) => createWebClient({ address, retry: { totalTimeoutMs: 200 } })],
];

describe.each(OPEN)("%s", (_, open) => {
  const target = { scope: "a", key: "b" };
  const callsOf = (port: number) => {
    const holdfast = stack.use(open(`127.0.0.1:${port}`));
    return {
      unary: () => holdfast.rpc.getRecord({ key: target }),
      stream: () => Array.fromAsync(holdfast.rpc.waitFor({ targets: [{ key: target }] })),
    };
  };

  async function answering(answer: RequestListener) {
    const server = createServer(answer).listen(0, "127.0.0.1");
    stack.defer(() => void server.close().closeAllConnections());
    await once(server, "listening");
    return callsOf((server.address() as AddressInfo).port);
  }

  test("calls an answer that is cut off lost, and whoever gives it silent", async () => {
    const { unary, stream } = await answering((request, response) => {
      const type = request.headers["content-type"] ?? "";
      response
        .writeHead(200, { "content-type": type, "content-length": 100 })
        .write(Buffer.of(0, 0, 0, 0, 50, 1, 2), () => response.destroy());
    });
    const lost = { code: 14, rawMessage: expect.stringMatching(/^no server answered at 127\.0\.0\.1:\d+: ./) };
    await expect(unary()).rejects.toMatchObject(lost);
    await expect(stream()).rejects.toMatchObject(lost);
  });

  test("calls a stream lost that a proxy has ended in good order before its end", async () => {
    const { stream } = await answering((request, response) => {
      response.writeHead(200, { "content-type": request.headers["content-type"] ?? "" }).end();
    });
    await expect(stream()).rejects.toMatchObject({
      code: 14,
      rawMessage: expect.stringContaining("missing EndStream"),
    });
  });

  test("says so when the port is not one of HTTP", async () => {
    const server = stack.use(
      await startTcpServer((socket) => void socket.end("\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64")),
    );
    await expect(callsOf(server.port).unary()).rejects.toMatchObject({
      code: 14,
      rawMessage: expect.stringMatching(
        /what answers there does not speak HTTP\/1\.1: is it the port of --http-address\?/,
      ),
    });
  });

  test("keeps what a server says, whatever its code", async () => {
    const { unary } = await answering((_request, response) => {
      const error = { code: "invalid_argument", message: "protocol error: not so" };
      response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify(error));
    });
    await expect(unary()).rejects.toMatchObject({ code: 3, rawMessage: "protocol error: not so" });
  });

  test("gives a call up when its time is over or its signal is aborted", async () => {
    const holdfast = stack.use(open(`127.0.0.1:${stack.use(await startTcpServer(() => undefined)).port}`));
    await expect(holdfast.rpc.getRecord({ key: target }, { timeoutMs: 20 })).rejects.toMatchObject({ code: 4 });
    const gone = new AbortController();
    const call = holdfast.rpc.getRecord({ key: target }, { signal: gone.signal });
    gone.abort(new Error("gone"));
    await expect(call).rejects.toMatchObject({ code: 1 });
  });
});

test("the bytes of a text are counted as they are encoded", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (text) => utf8Length(text) === Buffer.byteLength(text)),
  );
  expect(utf8Length("\u{10ffff}\u07ff\u0800\x7f")).toBe(10);
});

import http, { type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import tls from "node:tls";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { createGuardedFetch, type GuardedFetchDeps } from "../../../../src/tenants/validators/guarded-fetch.ts";
import type { Resolve } from "../../../../src/tenants/validators/resolve.ts";
import { createAuthority } from "../../../support/certificates.ts";
import { type HttpsServer, type LocalServer, startHttpsServer, startTcpServer } from "../../../support/https-server.ts";
import { createManualClock } from "../../store/manual-clock.ts";

const authority = createAuthority();
const certificate = authority.issue({ names: ["DNS:keys.example", "DNS:localhost", "IP:127.0.0.1"] });

const CANARY = "canary-in-the-answer";
const NOT_ASKED = { kind: "refused", reason: "the host is not one that may be asked" };
const TOO_LARGE = { kind: "refused", reason: "the answer is larger than 256 KiB" };
const TIMED_OUT = { kind: "uncertain", reason: "the address did not answer in time" };
const UNTRUSTED = { kind: "uncertain", reason: "the certificate is not trusted" };
const BROKEN = { kind: "uncertain", reason: "the connection failed" };

async function serving(answer: (response: ServerResponse) => void, issued = certificate): Promise<HttpsServer> {
  const server = await startHttpsServer(issued, (_, response) => answer(response));
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

async function listening(onConnection: (socket: Socket) => void): Promise<LocalServer> {
  const server = await startTcpServer(onConnection);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** A name server that gives these answers in turn, the last one for ever. */
function namesServer(...answers: readonly (readonly string[])[]) {
  const asked: string[] = [];
  const resolve: Resolve = async (host) => {
    asked.push(host);
    return answers[Math.min(asked.length, answers.length) - 1] ?? [];
  };
  return { asked, resolve };
}

/** Time stands still, so nothing is ever out of time unless it is moved. */
function fetching(server: LocalServer, deps: Partial<GuardedFetchDeps> = {}) {
  const clock = createManualClock();
  const fetch = createGuardedFetch({
    clock,
    resolve: namesServer(["127.0.0.1"]).resolve,
    allowLoopback: true,
    ports: [server.port],
    ca: authority.caPem,
    ...deps,
  });
  return { clock, fetch, url: `https://keys.example:${server.port}/keys` };
}

const ok = (response: ServerResponse) => response.end("fine");

describe("what may be asked", () => {
  test("a checked address is connected to under the host's name, which is looked up once", async () => {
    const server = await serving(ok);
    const names = namesServer(["127.0.0.1"], ["10.0.0.1"]);
    const { fetch, url } = fetching(server, names);
    const answer = await fetch(`${url}?a=b`);
    expect(answer).toEqual({ kind: "ok", status: 200, body: new Uint8Array(Buffer.from("fine")) });
    expect(names.asked).toEqual(["keys.example"]);
    expect(server.requests[0]).toMatchObject({ method: "GET", url: "/keys?a=b" });
    expect(server.requests[0]?.socket).toMatchObject({ servername: "keys.example" });
  });

  test("nothing goes along but who asks", async () => {
    const server = await serving(ok);
    const { fetch, url } = fetching(server);
    await fetch(url);
    expect(server.requests[0]?.headers).toEqual({
      host: `keys.example:${server.port}`,
      "user-agent": "holdfast",
      accept: "*/*",
      "accept-encoding": "identity",
      connection: "close",
    });
  });

  test("no proxy of the environment is used", async () => {
    const server = await serving(ok);
    onTestFinished(
      http.setGlobalProxyFromEnv({ https_proxy: "http://127.0.0.1:1", HTTPS_PROXY: "http://127.0.0.1:1" }),
    );
    const { fetch, url } = fetching(server);
    expect(await fetch(url)).toMatchObject({ kind: "ok" });
  });

  test.each([
    "https://127.0.0.1",
    "https://2130706433",
    "https://0x7f.1",
    "https://localhost",
    "https://keys.example.",
  ])("in development %s is this machine", async (origin) => {
    const server = await serving(ok);
    const { fetch } = fetching(server);
    expect(await fetch(`${origin}:${server.port}/`)).toMatchObject({ kind: "ok" });
  });

  test.each([
    "https://127.0.0.1",
    "https://2130706433",
    "https://0x7f.1",
    "https://localhost",
    "https://keys.example.",
  ])("and otherwise %s is refused without a connection", async (origin) => {
    const server = await serving(ok);
    const { fetch } = fetching(server, { allowLoopback: false });
    expect(await fetch(`${origin}:${server.port}/`)).toEqual(NOT_ASKED);
    expect(server.connections).toBe(0);
  });

  test.each([
    ...["https://10.0.0.1/", "https://169.254.169.254/latest/", "https://[::ffff:10.0.0.1]/", "https://[fe80::1]/"],
    ...["https://[fd00::1]/", "https://[2002:a00:1::]/", "https://0/", "https://0300.0250.1/"],
  ])("%s is refused without a look-up", async (url) => {
    const names = namesServer(["93.184.216.34"]);
    const { fetch } = fetching(await serving(ok), names);
    expect(await fetch(url)).toEqual(NOT_ASKED);
    expect(names.asked).toEqual([]);
  });

  test("one address that may not be asked spoils the others", async () => {
    const server = await serving(ok);
    for (const addresses of [
      ["127.0.0.1", "10.0.0.1"],
      ["10.0.0.1", "127.0.0.1"],
      ["127.0.0.1", "::ffff:10.0.0.1"],
    ]) {
      const { fetch, url } = fetching(server, namesServer(addresses));
      expect(await fetch(url)).toEqual(NOT_ASKED);
    }
    expect(server.connections).toBe(0);
  });

  test("a name that led here and leads to a private address later is refused then", async () => {
    const server = await serving(ok);
    const { clock, fetch, url } = fetching(server, namesServer(["127.0.0.1"], ["10.0.0.1"]));
    expect(await fetch(url)).toMatchObject({ kind: "ok" });
    await clock.advance(30_000);
    expect(await fetch(url)).toEqual(NOT_ASKED);
    expect(server.connections).toBe(1);
  });

  test("an address that does not answer is no loss while another one does", async () => {
    const server = await serving(ok);
    const { fetch, url } = fetching(server, namesServer(["127.0.0.2", "127.0.0.1"]));
    expect(await fetch(url)).toMatchObject({ kind: "ok" });
  });

  test("without TLS only loopback is asked, and only in development", async () => {
    const server = await listening((socket) => socket.end("HTTP/1.1 204 No Content\r\n\r\n"));
    const url = `http://localhost:${server.port}/`;
    expect(await fetching(server).fetch(url)).toMatchObject({ kind: "ok", status: 204 });
    const strict = await fetching(server, { allowLoopback: false }).fetch(url);
    expect(strict).toEqual({ kind: "refused", reason: "only https is asked" });
    expect(await fetching(server, namesServer(["10.0.0.1"])).fetch(url)).toEqual(NOT_ASKED);
    expect(server.connections).toBe(1);
  });

  test.each([
    ["a name that has no addresses", async () => []],
    ["a name server that fails", async () => Promise.reject(new Error(CANARY))],
  ])("%s leaves it open", async (_, resolve) => {
    const { fetch, url } = fetching(await serving(ok), { resolve });
    expect(await fetch(url)).toEqual({ kind: "uncertain", reason: "the host could not be looked up" });
  });
});

describe("who answers must be who was asked", () => {
  test.each([
    ["another name", authority.issue({ names: ["DNS:other.example"] })],
    ["a name that is only an address", authority.issue({ names: ["IP:127.0.0.1"] })],
    ["an expired certificate", authority.issue({ names: ["DNS:keys.example"], days: -1 })],
    ["another authority's certificate", createAuthority().issue({ names: ["DNS:keys.example"] })],
    ["a client's certificate", authority.issue({ names: ["DNS:keys.example"], client: true })],
  ])("%s is not trusted", async (_, issued) => {
    const server = await serving(ok, issued);
    const { fetch, url } = fetching(server);
    expect(await fetch(url)).toEqual(UNTRUSTED);
    expect(server.requests).toEqual([]);
  });
});

describe("answers", () => {
  test.each([
    [200, { kind: "ok", status: 200 }],
    [204, { kind: "ok", status: 204 }],
    [299, { kind: "ok", status: 299 }],
    [300, { kind: "refused", reason: "the address redirects, which is not followed" }],
    [304, { kind: "refused", reason: "the address redirects, which is not followed" }],
    [400, { kind: "refused", reason: "the address answered 400" }],
    [404, { kind: "refused", reason: "the address answered 404" }],
    [499, { kind: "refused", reason: "the address answered 499" }],
    [500, { kind: "uncertain", reason: "the address answered 500" }],
    [503, { kind: "uncertain", reason: "the address answered 503" }],
    [999, { kind: "uncertain", reason: "the address answered 999" }],
  ])("%s", async (status, expected) => {
    const server = await serving((response) => {
      response.writeHead(status, CANARY, { location: `https://10.0.0.1/${CANARY}` }).end(status === 204 ? "" : CANARY);
    });
    const { fetch, url } = fetching(server);
    const answer = await fetch(url);
    expect(answer).toMatchObject(expected);
    if (answer.kind !== "ok") expect(JSON.stringify(answer)).not.toContain(CANARY);
  });

  test.each([
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://keys.example/elsewhere",
    "/other",
  ])("a redirect to %s is not followed", async (location) => {
    const server = await serving((response) => response.writeHead(302, { location }).end());
    const names = namesServer(["127.0.0.1"]);
    const { fetch, url } = fetching(server, names);
    expect(await fetch(url)).toEqual({ kind: "refused", reason: "the address redirects, which is not followed" });
    expect(names.asked).toHaveLength(1);
    expect(server.connections).toBe(1);
  });

  test("256 KiB are taken, in pieces too, and one byte more is not", async () => {
    for (const [bytes, chunked, kind] of [
      [262_144, false, "ok"],
      [262_144, true, "ok"],
      [262_145, false, "refused"],
      [262_145, true, "refused"],
    ] as const) {
      const server = await serving((response) => {
        if (chunked) response.write("x");
        response.end(Buffer.alloc(chunked ? bytes - 1 : bytes, "x"));
      });
      const { fetch, url } = fetching(server);
      const answer = await fetch(url);
      if (kind === "ok") expect(answer).toMatchObject({ kind, body: { length: bytes } });
      else expect(answer).toEqual(TOO_LARGE);
    }
  });

  test("a body of 1 GiB is hung up on", async () => {
    const piece = Buffer.alloc(1024 * 1024);
    let left = 1024;
    const server = await serving((response) => {
      const more = () => {
        while (left > 0 && !response.destroyed) {
          left--;
          if (!response.write(piece)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const { fetch, url } = fetching(server);
    expect(await fetch(url)).toEqual(TOO_LARGE);
    await server.abandoned();
    expect(left).toBeGreaterThan(0);
  });

  test("a body that is announced as too large is not read", async () => {
    const server = await serving((response) => response.writeHead(200, { "content-length": 1024 ** 3 }).flushHeaders());
    const { fetch, url } = fetching(server);
    expect(await fetch(url)).toEqual(TOO_LARGE);
    await server.abandoned();
  });

  test("headers that never end are hung up on", async () => {
    const server = await serving((response) => response.writeHead(200, { padding: "x".repeat(20_000) }).end());
    const { fetch, url } = fetching(server);
    expect(await fetch(url)).toEqual(TOO_LARGE);
  });

  test("nothing is unpacked", async () => {
    const bomb = gzipSync(Buffer.alloc(1024 * 1024));
    const server = await serving((response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb));
    const { fetch, url } = fetching(server);
    expect(await fetch(url)).toEqual({ kind: "refused", reason: "the answer is compressed, which was not asked for" });
  });

  test.each([
    [
      "a connection that breaks within the body",
      (socket: Socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
    ],
    ["a connection that breaks before the headers end", (socket: Socket) => socket.end("HTTP/1.1 200 OK\r\n")],
    ["what is not HTTP", (socket: Socket) => socket.end(`${CANARY}\r\n\r\n`)],
    [
      "a switch to another protocol",
      (socket: Socket) => socket.write("HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
    ],
    ["nothing but a connection", (socket: Socket) => socket.end()],
  ])("%s leaves it open", async (_, say) => {
    const server = await listening((socket) => void socket.once("data", () => say(socket)));
    const { fetch } = fetching(server);
    expect(await fetch(`http://localhost:${server.port}/`)).toEqual(BROKEN);
  });

  test("a port where nobody listens leaves it open", async () => {
    const server = await startTcpServer(() => {});
    const { fetch, url } = fetching(server);
    await server[Symbol.asyncDispose]();
    expect(await fetch(url)).toEqual(BROKEN);
  });
});

describe("3 s is all there is", () => {
  /** Moves time once the server sees the connection, to just before the end and then to it. */
  async function outOfTime(server: LocalServer, reached: Promise<unknown>) {
    const { clock, fetch, url } = fetching(server);
    let answered = false;
    const answer = fetch(url).finally(() => {
      answered = true;
    });
    await reached;
    await clock.advance(2999);
    expect(answered).toBe(false);
    await clock.advance(1);
    expect(await answer).toEqual(TIMED_OUT);
    await server.abandoned();
    expect(clock.sleepers).toBe(0);
  }

  test("for a server that never speaks TLS", async () => {
    const reached = Promise.withResolvers<void>();
    await outOfTime(await listening((socket) => void socket.once("data", () => reached.resolve())), reached.promise);
  });

  test("for a server that never answers", async () => {
    const reached = Promise.withResolvers<void>();
    await outOfTime(await serving(() => reached.resolve()), reached.promise);
  });

  test("for headers that come byte by byte", async () => {
    const reached = Promise.withResolvers<void>();
    const server = await listening((socket) => {
      const context = tls.createSecureContext({ cert: certificate.certPem, key: certificate.keyPem });
      const secured = new tls.TLSSocket(socket, { isServer: true, secureContext: context });
      secured.on("error", () => {});
      secured.once("data", () => secured.write("HTTP/1.1 200 OK\r\nx: ", () => reached.resolve()));
    });
    await outOfTime(server, reached.promise);
  });

  test("for a body that comes byte by byte, however steadily", async () => {
    const arrived = Promise.withResolvers<ServerResponse>();
    const server = await serving((response) => {
      response.writeHead(200, { "content-length": 4 });
      response.write("1", () => arrived.resolve(response));
    });
    const { clock, fetch, url } = fetching(server);
    const answer = fetch(url);
    const response = await arrived.promise;
    for (const byte of ["2", "3"]) {
      await clock.advance(1000);
      await new Promise((written) => response.write(byte, written));
    }
    await clock.advance(1000);
    expect(await answer).toEqual(TIMED_OUT);
    await server.abandoned();
  });

  test("for a name server that keeps silent, which is told so", async () => {
    const server = await serving(ok);
    const told = Promise.withResolvers<void>();
    const resolve: Resolve = (_, signal) => {
      signal.addEventListener("abort", () => told.resolve());
      return new Promise(() => {});
    };
    const { clock, fetch, url } = fetching(server, { resolve });
    const answer = fetch(url);
    await clock.advance(3000);
    expect(await answer).toEqual(TIMED_OUT);
    await told.promise;
  });
});

describe("a URL is asked once in 30 s", () => {
  test("by however many at once, and however they spell it", async () => {
    const server = await serving(ok);
    const { fetch, url } = fetching(server);
    const answers = await Promise.all([...Array(20).keys()].map((n) => fetch(n % 2 === 0 ? url : `${url}#${n}`)));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["ok"]));
    expect(server.requests).toHaveLength(1);
  });

  test("whatever it answered, and again after that", async () => {
    let status = 404;
    const server = await serving((response) => response.writeHead(status).end());
    const { clock, fetch, url } = fetching(server);
    const refused = { kind: "refused", reason: "the address answered 404" };
    expect(await fetch(url)).toEqual(refused);
    status = 200;
    await clock.advance(29_999);
    expect(await fetch(url)).toEqual(refused);
    expect(server.requests).toHaveLength(1);
    await clock.advance(1);
    expect(await fetch(url)).toMatchObject({ kind: "ok" });
  });

  test("and another URL is another matter", async () => {
    const server = await serving(ok);
    const { fetch, url } = fetching(server);
    await Promise.all([fetch(url), fetch(`${url}/other`)]);
    expect(server.requests).toHaveLength(2);
  });

  test("and one who leaves takes nothing from the others", async () => {
    const held = Promise.withResolvers<ServerResponse>();
    const server = await serving(held.resolve);
    const { fetch, url } = fetching(server);
    const leaving = new AbortController();
    const left = fetch(url, leaving.signal);
    const stayed = fetch(url, new AbortController().signal);
    const response = await held.promise;
    leaving.abort(new Error("gone"));
    await expect(left).rejects.toThrow("gone");
    response.end("late");
    expect(await stayed).toMatchObject({ kind: "ok" });
    await expect(fetch(url, leaving.signal)).rejects.toThrow("gone");
    expect(server.requests).toHaveLength(1);
  });

  test("and no more than 128 at once", async () => {
    const server = await serving(ok);
    const { clock, fetch, url } = fetching(server, { resolve: () => new Promise(() => {}) });
    const waiting = [...Array(128).keys()].map((n) => fetch(`${url}/${n}`));
    const reason = "too many addresses are being asked at once";
    expect(await fetch(`${url}/one-more`)).toEqual({ kind: "uncertain", reason });
    await clock.advance(3000);
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => TIMED_OUT));
  });
});

test("the connection of an answered fetch is closed", async () => {
  const server = await serving(ok);
  const { fetch, url } = fetching(server);
  await fetch(url);
  await server.abandoned();
  expect(server.connections).toBe(1);
});

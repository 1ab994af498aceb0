import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { Agent, request } from "node:https";
import { connect as connectTcp } from "node:net";
import { text } from "node:stream/consumers";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { create, type Message } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { GetRecordResponseSchema, IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { ClientCertificate } from "../../../src/auth/authenticator.ts";
import { systemClock } from "../../../src/clock.ts";
import type { CallContext, Endpoint } from "../../../src/rpc/endpoint.ts";
import { type Listening, serveGrpc } from "../../../src/server/grpc.ts";
import { serveHttp } from "../../../src/server/http.ts";
import { createHttpRpc } from "../../../src/server/http-rpc.ts";
import { ROOM } from "../../../src/server/limits.ts";
import { createReadiness } from "../../../src/server/readiness.ts";
import { createRoom } from "../../../src/server/room.ts";
import { pathOf } from "../../../src/server/service-definition.ts";
import type { Tls } from "../../../src/server/tls.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { createAuthority } from "../../support/certificates.ts";
import { createTestTls, type TestTls } from "../../support/tls.ts";

const anyPort = { host: "127.0.0.1", port: 0 };
const path = pathOf(IdempotencyService.method.getRecord);
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** What a caller shows of himself. */
type Shown = Pick<ConnectionOptions, "cert" | "ciphers" | "key" | "maxVersion" | "minVersion" | "session">;

interface Port {
  readonly tls: TestTls;
  readonly listening: Listening;
  /** What the calls were seen to bring along, in their order. */
  readonly certificates: (ClientCertificate | null)[];
  connect(shown?: Shown): TLSSocket;
  /** One call on a connection of its own; rejects when there is none to be had. */
  call(shown?: Shown): Promise<void>;
  /** As many calls, over one connection. */
  calls(count: number, shown: Shown): Promise<void>;
}

const PORTS = { gRPC: openGrpc, HTTP: openHttp } as const;
const BOTH = Object.entries(PORTS).map(([port, open]) => ({ port, open }));

function seeing() {
  const certificates: (ClientCertificate | null)[] = [];
  const call = async (_request: Message, context: CallContext) => {
    certificates.push(context.certificate());
    return create(GetRecordResponseSchema);
  };
  const endpoint = { kind: "unary", method: IdempotencyService.method.getRecord, call } as unknown as Endpoint;
  return { certificates, endpoint };
}

function connectTo(listening: Listening, tls: TestTls, protocol: string) {
  return (shown: Shown = {}) => {
    const { port } = listening.address;
    const own = { host: "127.0.0.1", port, servername: "localhost", ca: tls.authority.caPem };
    const socket = connectTls({ ...own, ALPNProtocols: [protocol], ...shown });
    opened.push(() => socket.destroy());
    return socket.on("error", () => undefined);
  };
}

async function openGrpc(clientCertificates?: Tls["clientCertificates"]): Promise<Port> {
  const tls = createTestTls(clientCertificates);
  const { certificates, endpoint } = seeing();
  const listening = await serveGrpc(anyPort, {
    ...{ endpoints: [endpoint], clock: systemClock, log: silentLog, room: createRoom(ROOM), tls },
    ...{ maxConnectionAgeMs: 60_000, maxConcurrentStreams: 100 },
  });
  opened.push(() => listening.destroy());
  const connect = connectTo(listening, tls, "h2");
  const calls = async (count: number, shown?: Shown) => {
    const session = connectHttp2("https://localhost", { createConnection: () => connect(shown) });
    opened.push(() => session.destroy());
    const broken = once(session, "close").then(() => Promise.reject(new Error("closed")));
    session.on("error", () => undefined);
    for (let i = 0; i < count; i++) {
      const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
      const stream = session.request(headers).on("error", () => undefined);
      stream.end(Buffer.alloc(5)).resume();
      const [trailers] = await Promise.race([once(stream, "trailers"), broken]);
      expect(trailers["grpc-status"]).toBe("0");
    }
    broken.catch(() => undefined);
    session.destroy();
  };
  return { tls, listening, certificates, connect, calls, call: (shown) => calls(1, shown) };
}

async function openHttp(clientCertificates?: Tls["clientCertificates"]): Promise<Port> {
  const tls = createTestTls(clientCertificates);
  const { certificates, endpoint } = seeing();
  const deps = { endpoints: [endpoint], clock: systemClock, random: () => 0, room: createRoom(ROOM) };
  const rpc = createHttpRpc(deps);
  const listening = await serveHttp(anyPort, {
    ...{ metrics: createMetrics({ ofProcess: false }), readiness: createReadiness(), log: silentLog, tls },
    ...{ rpc: async () => rpc, waiting: () => "polling", localOnly: false },
  });
  opened.push(() => listening.destroy());
  const connect = connectTo(listening, tls, "http/1.1");
  const calls = async (count: number, shown?: Shown) => {
    const trusting = { ca: tls.authority.caPem, servername: "localhost", ALPNProtocols: ["http/1.1"] };
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ...trusting, ...shown });
    opened.push(() => agent.destroy());
    for (let i = 0; i < count; i++) {
      const headers = { host: "holdfast.example.org", "content-type": "application/json" };
      const to = { host: "127.0.0.1", port: listening.address.port, path };
      const sent = request({ ...to, method: "POST", headers, agent });
      sent.end("{}");
      const [response] = await once(sent, "response");
      expect(response.statusCode).toBe(200);
      expect(await text(response)).toBe("{}");
    }
  };
  return { tls, listening, certificates, connect, calls, call: (shown) => calls(1, shown) };
}

/** A client's certificate and key. */
function shownBy(authority: TestTls["authority"], names: readonly string[], options = {}): Shown {
  const { certPem, keyPem } = authority.issue({ names, client: true, ...options });
  return { cert: certPem, key: keyPem };
}

describe.each(BOTH)("the $port port over TLS", ({ port, open }) => {
  test("answers, and sees no certificate where it asks for none", async () => {
    const { call, certificates, tls } = await open();
    await call();
    await call(shownBy(tls.authority, ["DNS:acme"]));
    expect(certificates).toEqual([null, null]);
  });

  test("is not believed by who trusts another authority", async () => {
    const { listening } = await open();
    const socket = connectTls({ host: "127.0.0.1", port: listening.address.port, ca: createAuthority().caPem });
    const [error] = await once(socket, "error");
    expect(error.code).toBe("CERT_SIGNATURE_FAILURE");
  });

  test("closes a connection in clear text, and lives on", async () => {
    const { listening, call } = await open();
    const socket = connectTcp(listening.address.port, "127.0.0.1").on("error", () => undefined);
    socket.resume().write("GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await once(socket, "close");
    await call();
  });

  test.each(["TLSv1", "TLSv1.1"] as const)("refuses %s", async (version) => {
    const { connect } = await open();
    // The client's OpenSSL would speak it.
    const socket = connect({ minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" });
    const [error] = await once(socket, "error");
    expect(error.code).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
  });

  test("speaks its one protocol", async () => {
    const { listening, tls } = await open();
    const own = port === "gRPC" ? "h2" : "http/1.1";
    for (const protocol of ["h2", "http/1.1"]) {
      const socket = connectTo(listening, tls, protocol)();
      const [event] = await Promise.race([once(socket, "secureConnect").then(() => ["spoken"]), once(socket, "error")]);
      if (protocol === own) expect([event, socket.alpnProtocol]).toEqual(["spoken", own]);
      else expect(event).toMatchObject({ code: "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL" });
    }
  });

  test("gives a changed certificate to new connections, and lets old ones live", async () => {
    const { connect, call, tls } = await open();
    const old = connect();
    await once(old, "secureConnect");
    const before = old.getPeerX509Certificate()?.fingerprint256;
    tls.change(tls.authority.issue({ names: ["DNS:localhost"] }));
    const later = connect();
    await once(later, "secureConnect");
    expect(later.getPeerX509Certificate()?.fingerprint256).not.toBe(before);
    await call();
    expect(old.destroyed).toBe(false);
  });

  // Less time than a handshake may take, which is how long it would be waited for.
  test("is closed at once although somebody has connected and said nothing", { timeout: 9000 }, async () => {
    const { listening } = await open();
    const socket = connectTcp(listening.address.port, "127.0.0.1").on("error", () => undefined);
    await once(socket, "connect");
    // Over another connection, so that the first has been accepted.
    const second = connectTcp(listening.address.port, "127.0.0.1").on("error", () => undefined);
    second.resume().end("no TLS");
    await once(second, "close");
    const gone = once(socket.resume(), "close");
    await listening.close();
    await gone;
  });

  test("when it is destroyed leaves no connection, not even one that has said nothing", async () => {
    const { listening, connect } = await open();
    const silent = connectTcp(listening.address.port, "127.0.0.1").on("error", () => undefined);
    await once(silent, "connect");
    const socket = connect();
    await once(socket, "secureConnect");
    const gone = Promise.all([once(silent.resume(), "close"), once(socket.resume(), "close")]);
    listening.destroy();
    await gone;
  });

  describe.each(["required", "optional"] as const)("where a client's certificate is %s", (mode) => {
    test("sees the names of one that verifies, with each call of its connection", async () => {
      const { calls, certificates, tls } = await open(mode);
      await calls(2, shownBy(tls.authority, ["DNS:acme.example.org", "URI:spiffe://x/acme", "DNS:a,b"]));
      expect(certificates).toEqual([
        { names: ["DNS:acme.example.org", "URI:spiffe://x/acme"] },
        { names: ["DNS:acme.example.org", "URI:spiffe://x/acme"] },
      ]);
      expect(certificates[0]).toBe(certificates[1]);
    });

    test.each([
      ["of another authority", () => shownBy(createAuthority(), ["DNS:acme"])],
      ["of another authority with the same name", () => shownBy(createAuthority("Test authority"), ["DNS:acme"])],
      ["that has expired", (tls: TestTls) => shownBy(tls.authority, ["DNS:acme"], { days: -1 })],
      ["for servers", (tls: TestTls) => shownBy(tls.authority, ["DNS:acme"], { client: false })],
    ])("lets nobody in with one %s", async (_what, shown) => {
      const { call, certificates, tls } = await open(mode);
      await expect(call(shown(tls))).rejects.toThrow();
      await expect(call({ ...shown(tls), maxVersion: "TLSv1.2" })).rejects.toThrow();
      expect(certificates).toEqual([]);
    });

    test(mode === "optional" ? "lets somebody in without one" : "lets nobody in without one", async () => {
      const { call, certificates } = await open(mode);
      if (mode === "required") await expect(call()).rejects.toThrow();
      else await call();
      expect(certificates).toEqual(mode === "required" ? [] : [null]);
    });

    test("believes a changed authority from then on, and the old one no more", async () => {
      const { call, certificates, tls } = await open(mode);
      const other = createAuthority();
      await call(shownBy(tls.authority, ["DNS:old"]));
      tls.change(tls.authority.issue({ names: ["DNS:localhost"] }), other.caPem);
      await expect(call(shownBy(tls.authority, ["DNS:old"]))).rejects.toThrow();
      await call(shownBy(other, ["DNS:new"]));
      expect(certificates).toEqual([{ names: ["DNS:old"] }, { names: ["DNS:new"] }]);
    });

    test.each(["TLSv1.2", "TLSv1.3"] as const)("takes up no session of %s from before a change", async (version) => {
      const here = await open(mode);
      const { call, certificates, tls } = here;
      const shown = { ...shownBy(tls.authority, ["DNS:old"]), minVersion: version, maxVersion: version };
      const session = await sessionOf(here, shown);
      tls.change(tls.authority.issue({ names: ["DNS:localhost"] }), createAuthority().caPem);
      await expect(call({ ...shown, session })).rejects.toThrow();
      expect(certificates).toEqual([]);
    });

    test("lets no connection be negotiated again, which could bring another certificate", async () => {
      const { connect, tls } = await open(mode);
      const socket = connect({ ...shownBy(tls.authority, ["DNS:acme"]), maxVersion: "TLSv1.2" });
      await once(socket, "secureConnect");
      const refused = Promise.race([once(socket, "error"), once(socket, "close")]);
      const renewed = new Promise((resolve) => socket.renegotiate({}, (error) => resolve(error)));
      const outcome = await Promise.race([renewed, refused]);
      expect(outcome).not.toBe(null);
    });
  });
});

/** Of a connection that is then left open. */
async function sessionOf(port: Port, shown: Shown): Promise<Buffer> {
  const [session] = await once(port.connect(shown).resume(), "session");
  return session;
}

describe.each(["TLSv1.2", "TLSv1.3"] as const)("a session of %s that goes on over another connection", (version) => {
  const only = { minVersion: version, maxVersion: version };

  async function goesOn(port: Port, session: Buffer) {
    const socket = port.connect({ ...only, session });
    await once(socket, "secureConnect");
    expect(socket.isSessionReused()).toBe(true);
    await port.call({ ...only, session });
  }

  test("still shows the certificate that it began with", async () => {
    const port = await openGrpc("required");
    await goesOn(port, await sessionOf(port, { ...only, ...shownBy(port.tls.authority, ["DNS:acme"]) }));
    expect(port.certificates).toEqual([{ names: ["DNS:acme"] }]);
  });

  test("shows none when it began with none", async () => {
    const port = await openGrpc("optional");
    await goesOn(port, await sessionOf(port, only));
    expect(port.certificates).toEqual([null]);
  });
});

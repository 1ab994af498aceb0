import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  constants,
  createSecureServer,
  createServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import * as net from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import type { Connection } from "../../../src/server/grpc-connection.ts";
import { createConnections } from "../../../src/server/grpc-connections.ts";
import {
  ANSWER_SETTLE_MS,
  CONNECTION_AGE_GRACE_MS,
  CONNECTION_CHECK_MS,
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
} from "../../../src/server/limits.ts";
import { followTcpSockets } from "../../../src/server/tls/tcp-sockets.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { WIRES } from "../../support/tls.ts";
import { createManualClock } from "../store/manual-clock.ts";

const AGE_MS = 1_000_000;
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

describe.each(WIRES)("over $wire", ({ tls }) => {
  /** A real connection through a network that can be cut off, its time moved by hand. */
  async function setUp(random = () => 0.5, { isDirect = false } = {}) {
    const clock = createManualClock();
    const secureServer = tls && createSecureServer(tls.current);
    const server = secureServer ?? createServer();
    const tcp = secureServer && followTcpSockets(secureServer);
    const reset = ({ socket }: ServerHttp2Session) => void (tcp?.under(socket) ?? socket).resetAndDestroy();
    const connections = createConnections({ clock, random, reset, maxAgeMs: AGE_MS });
    server.on("session", (session) => connections.welcome(session as ServerHttp2Session));
    const arrived = Promise.withResolvers<ServerHttp2Stream>();
    server.on("stream", (stream) => arrived.resolve(stream.on("error", () => undefined)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    opened.push(() => server.close());
    const target = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
    const proxy = await startTcpProxy(target);
    opened.push(() => proxy[Symbol.asyncDispose]());

    const socket = net.connect(isDirect ? target : { ...target, port: proxy.port });
    const secureSocket =
      tls && connectTls({ socket, ca: tls.authority.caPem, servername: "localhost", ALPNProtocols: ["h2"] });
    const client = connect(`${tls ? "https" : "http"}://localhost`, { createConnection: () => secureSocket ?? socket });
    client.on("error", () => undefined);
    opened.push(() => client.destroy());
    let pings = 0;
    client.on("ping", () => pings++);
    const call = client.request({ ":method": "POST", ":path": "/" }).on("error", () => undefined);
    call.resume();
    const stream = await arrived.promise;
    const session = stream.session as ServerHttp2Session;
    const connection = connections.of(session) as Connection;
    const closed = new Promise<void>((resolve) => session.once("close", resolve));
    return {
      ...{ clock, connections, connection, session, stream, proxy, client, call, closed },
      pings: () => pings,
      socket,
      end: () => void (secureSocket ?? socket).end(),
    };
  }

  type Scene = Awaited<ReturnType<typeof setUp>>;

  /** One round trip: whatever either side sent before has arrived. */
  async function roundTrip(client: ClientHttp2Session): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      client.ping((error) => (error === null ? resolve() : reject(error)));
    });
  }

  /** Past the time, and the look that follows it. */
  const pass = ({ clock }: Scene, ms: number) => clock.advance(ms + CONNECTION_CHECK_MS);

  describe("what was sent is confirmed", () => {
    test("by the acknowledgement of a PING, which is sent a second later and not before", async () => {
      const scene = await setUp();
      const confirmed = scene.connection.confirm();
      await scene.clock.advance(ANSWER_SETTLE_MS - 1);
      await roundTrip(scene.client);
      expect(scene.pings()).toBe(0);
      await pass(scene, 1);
      expect(await confirmed).toBe(true);
      expect(scene.pings()).toBe(1);
    });

    test("by one PING for all who asked before it, and by the next for who asked later", async () => {
      const scene = await setUp();
      const early = Array.from({ length: 20 }, () => scene.connection.confirm());
      scene.proxy.hold("to-client");
      await pass(scene, ANSWER_SETTLE_MS);
      let isSettled = false;
      const late = scene.connection.confirm().finally(() => {
        isSettled = true;
      });
      await pass(scene, ANSWER_SETTLE_MS);
      scene.proxy.release();
      expect(await Promise.all(early)).toEqual(early.map(() => true));
      expect(isSettled).toBe(false);
      expect(scene.pings()).toBe(1);
      await pass(scene, ANSWER_SETTLE_MS);
      expect(await late).toBe(true);
      expect(scene.pings()).toBe(2);
    });

    test("when the peer closes its connection in good order", async () => {
      const { connection, end } = await setUp();
      const confirmed = connection.confirm();
      end();
      expect(await confirmed).toBe(true);
    });

    test("when the peer says that it goes, whatever becomes of its connection", async () => {
      const { connection, client, session } = await setUp();
      const confirmed = connection.confirm();
      const farewell = once(session, "goaway");
      client.goaway();
      await farewell;
      expect(await confirmed).toBe(true);
    });

    test("when it is we who shut down, at once", async () => {
      const { connection, connections } = await setUp();
      const before = connection.confirm();
      connections.leave();
      expect(await before).toBe(true);
      expect(await connection.confirm()).toBe(true);
    });
  });

  describe("what was sent is not confirmed", () => {
    test("when the connection is reset", async () => {
      const { connection, socket, client } = await setUp(undefined, { isDirect: true });
      const confirmed = connection.confirm();
      await roundTrip(client); // With something still to be written Node closes in good order.
      socket.resetAndDestroy();
      expect(await confirmed).toBe(false);
    });

    test("when the peer goes with an error", async () => {
      const { connection, client } = await setUp();
      const confirmed = connection.confirm();
      client.goaway(constants.NGHTTP2_PROTOCOL_ERROR);
      expect(await confirmed).toBe(false);
    });

    test("when the peer has vanished: its connection is cut 10 s after the PING, and its calls are cancelled", async () => {
      const scene = await setUp();
      const confirmed = scene.connection.confirm();
      scene.proxy.hold();
      await pass(scene, ANSWER_SETTLE_MS);
      await scene.clock.advance(KEEPALIVE_TIMEOUT_MS - 2 * CONNECTION_CHECK_MS);
      expect(scene.session.destroyed).toBe(false);
      await pass(scene, 0);
      expect(await confirmed).toBe(false);
      await scene.closed;
      expect(scene.stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    });

    test("when the peer said that it goes, and vanished before the answer", async () => {
      const scene = await setUp();
      const { client, session, stream, connection, proxy } = scene;
      const farewell = once(session, "goaway");
      client.goaway();
      await farewell;
      proxy.hold();
      stream.close();
      await once(stream, "close");
      const confirmed = connection.confirm();
      await pass(scene, KEEPALIVE_TIMEOUT_MS);
      expect(await confirmed).toBe(false);
    });

    test("when the connection is gone already", async () => {
      const { connection, session, closed } = await setUp();
      session.destroy();
      expect(await connection.confirm()).toBe(false);
      await closed;
    });
  });

  describe("a connection on which nothing happens", () => {
    test("is asked for a sign of life every 20 s, and stays while there is one", async () => {
      const scene = await setUp();
      for (let round = 1; round <= 3; round++) {
        const asked = once(scene.client, "ping");
        await pass(scene, KEEPALIVE_MS);
        await asked;
        await roundTrip(scene.client);
        expect(scene.pings()).toBe(round);
      }
      expect(scene.session.destroyed).toBe(false);
    });

    test("is cut within 32 s when the peer has vanished", async () => {
      const scene = await setUp();
      scene.proxy.hold();
      await scene.clock.advance(KEEPALIVE_MS + KEEPALIVE_TIMEOUT_MS + 2 * CONNECTION_CHECK_MS);
      await scene.closed;
      expect(scene.stream.destroyed).toBe(true);
    });
  });

  describe("a connection that has reached its age", () => {
    test.each([
      ["a tenth early", 0, 0.9],
      ["a tenth late", 1, 1.1],
    ])("%s is told to go with the reason max_age, and its calls go on", async (_when, drawn, share) => {
      const scene = await setUp(() => drawn);
      const { retiring } = scene.connection;
      const told: string[] = [];
      scene.client.on("goaway", (code, last, reason) => told.push(`${code} ${last} ${reason}`));
      await scene.clock.advance(AGE_MS * share - 1);
      await roundTrip(scene.client);
      expect({ told, aborted: retiring.aborted }).toEqual({ told: [], aborted: false });
      const farewell = once(scene.client, "goaway");
      await pass(scene, 1);
      await farewell;
      expect(told).toEqual([`0 ${scene.stream.id} max_age`]);
      expect(retiring.aborted).toBe(true);
      scene.stream.respond();
      scene.stream.end("late answer");
      const chunks: unknown[] = [];
      scene.call.on("data", (chunk) => chunks.push(String(chunk)));
      await once(scene.call, "close");
      expect(chunks).toEqual(["late answer"]);
    });

    test("says so also to who asks later", async () => {
      const scene = await setUp();
      await pass(scene, AGE_MS);
      expect(scene.connection.retiring.aborted).toBe(true);
    });

    test("is closed after the grace and not before, however long its calls take", async () => {
      const scene = await setUp();
      const farewell = once(scene.client, "goaway");
      await pass(scene, AGE_MS);
      await farewell;
      await scene.clock.advance(CONNECTION_AGE_GRACE_MS - 2 * CONNECTION_CHECK_MS);
      await scene.clock.turn();
      expect(scene.session.destroyed).toBe(false);
      await pass(scene, 2 * CONNECTION_CHECK_MS);
      expect(scene.session.destroyed).toBe(true);
      await scene.closed;
    });
  });

  test("a peer that goes while its calls are in flight has their streams end, and its calls may finish", async () => {
    const scene = await setUp();
    const { retiring } = scene.connection;
    const farewell = once(scene.session, "goaway");
    scene.client.close();
    await farewell;
    await pass(scene, KEEPALIVE_MS);
    expect(retiring.aborted).toBe(true);
    expect(scene.session.destroyed).toBe(false);
    scene.stream.respond();
    scene.stream.end();
    await once(scene.call, "close");
  });
});

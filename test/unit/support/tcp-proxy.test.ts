import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { startTcpProxy } from "../../support/tcp-proxy.ts";

/** A server that sends back what it gets, and ends when its client does, behind a proxy. */
async function openScene() {
  await using opening = new AsyncDisposableStack();
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  opening.defer(() => void server.close());
  await once(server, "listening");
  const proxy = opening.use(await startTcpProxy({ host: "127.0.0.1", port: (server.address() as AddressInfo).port }));
  const client = opening.adopt(connect({ host: "127.0.0.1", port: proxy.port, allowHalfOpen: true }), (socket) => {
    socket.destroy();
  });
  await once(client, "connect");
  const opened = opening.move();
  return {
    ...{ proxy, client },
    async echo(text: string) {
      const fromMs = performance.now();
      client.write(text);
      const [chunk] = await once(client, "data");
      return { told: String(chunk), ms: performance.now() - fromMs };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

test("a delay holds for both ways, or for one, until it is taken away", async () => {
  await using scene = await openScene();
  scene.proxy.delay(() => 60);
  const both = await scene.echo("one");
  expect(both.told).toBe("one");
  expect(both.ms).toBeGreaterThanOrEqual(120);
  scene.proxy.delay(null, "to-server");
  const asked: number[] = [];
  scene.proxy.delay(() => asked.push(60) * 60, "to-client");
  expect((await scene.echo("two")).ms).toBeGreaterThanOrEqual(60);
  expect((await scene.echo("three")).ms).toBeGreaterThanOrEqual(120);
  scene.proxy.delay(null);
  await scene.echo("four");
  expect(asked.length).toBe(2);
});

test("what is delayed arrives in its order, and before the end of the connection", async () => {
  await using scene = await openScene();
  const latencies = [40, 0, 20, 0];
  scene.proxy.delay(() => latencies.shift() ?? 0, "to-client");
  const told = buffer(scene.client);
  for (const text of ["a", "b", "c"]) {
    scene.client.write(text);
    await new Promise((resolve) => setImmediate(resolve));
  }
  scene.proxy.delay(null);
  scene.client.end("d");
  expect(String(await told)).toBe("abcd");
});

test("what was delayed is held back with the rest, and passed on with it", async () => {
  await using scene = await openScene();
  scene.proxy.delay(() => 20);
  const echo = scene.echo("held");
  scene.proxy.hold("to-client");
  const other = await openScene();
  other.proxy.delay(() => 100);
  await other.echo("later");
  await other[Symbol.asyncDispose]();
  expect(scene.client.bytesRead).toBe(0);
  scene.proxy.release();
  expect((await echo).told).toBe("held");
});

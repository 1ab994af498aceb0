import { once } from "node:events";
import { createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";
import { Abandoned, captureResponse } from "../../../src/middleware/node/capture.ts";

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

test.each([
  ["by name", { "content-type": "text/plain", "x-list": ["1", "2"] }],
  ["in turn", ["content-type", "text/plain", "x-list", "1", "x-list", "2"]],
  [
    "in pairs",
    [
      ["content-type", "text/plain"],
      ["x-list", "1"],
      ["x-list", "2"],
    ],
  ],
])("headers that are written %s are captured, and sent", async (_, headers) => {
  const captured = Promise.withResolvers<unknown>();
  await using server = await serve(async (_request, response) => {
    const capture = captureResponse(response, 100);
    response.writeHead(202, headers as string[]);
    response.write("hel");
    response.end(Buffer.from("lo"));
    captured.resolve(await capture.done);
    capture.release();
  });
  const answer = await fetch(server.url);
  expect(answer.status).toBe(202);
  expect(answer.headers.get("x-list")).toBe("1, 2");
  expect(await answer.text()).toBe("hello");
  expect(await captured.promise).toEqual({
    status: 202,
    headers: [
      ["content-type", "text/plain"],
      ["x-list", "1"],
      ["x-list", "2"],
    ],
    body: Buffer.from("hello"),
  });
});

test("nothing is sent before it is released, and what comes after the end is not", async () => {
  const released = Promise.withResolvers<void>();
  await using server = await serve(async (_, response) => {
    const capture = captureResponse(response, 100);
    response.statusCode = 201;
    response.flushHeaders();
    response.end("one", () => released.resolve());
    expect(response.headersSent).toBe(true);
    expect(response.writableEnded).toBe(true);
    response.write("two");
    response.end("three");
    await capture.done;
    expect(response.socket?.bytesWritten).toBe(0);
    capture.release();
  });
  expect(await (await fetch(server.url)).text()).toBe("one");
  await released.promise;
});

test("another answer takes the place of the handler's, with all of its headers", async () => {
  await using server = await serve(async (_, response) => {
    response.setHeader("x-outer", "stays");
    const capture = captureResponse(response, 100);
    response.writeHead(201, "Made", { "set-cookie": "a=1", etag: '"1"' });
    response.end("the handler's");
    await capture.done;
    capture.replace({ status: 409, headers: [["content-type", "text/plain"]], body: Buffer.from("the other") });
  });
  const answer = await fetch(server.url);
  expect([answer.status, answer.statusText, await answer.text()]).toEqual([409, "Conflict", "the other"]);
  expect(answer.headers.get("x-outer")).toBe("stays");
  expect(answer.headers.has("etag") || answer.headers.has("set-cookie")).toBe(false);
});

/** A client that goes as soon as the handler is there. */
async function goAway(url: string, entered: Promise<void>) {
  const sent = request(url);
  sent.on("error", () => {});
  sent.end();
  await entered;
  sent.destroy();
}

test.each([
  ["within the bound", 10_000, 30],
  ["over the bound", 10, 30],
])("what is piped into a response %s is read to its end after the client has gone", async (_, bytesMax, chunks) => {
  const entered = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<unknown>();
  await using server = await serve(async (_request, response) => {
    const gone = Promise.withResolvers<void>();
    const capture = captureResponse(response, bytesMax, gone.resolve);
    entered.resolve();
    await gone.promise;
    expect(response.destroyed).toBe(false);
    const closed = once(response, "close");
    await pipeline(Readable.from(Array.from({ length: chunks }, () => "x".repeat(100))), response, { end: false });
    response.end();
    const { body } = await capture.done;
    capture.release();
    await closed;
    ended.resolve(body?.length ?? null);
  });
  await goAway(server.url, entered.promise);
  expect(await ended.promise).toBe(bytesMax > 100 ? chunks * 100 : null);
});

test("a handler that never ends is given up once the client has gone and the lease is over", async () => {
  for (const isLostFirst of [true, false]) {
    const entered = Promise.withResolvers<void>();
    const outcome = Promise.withResolvers<unknown>();
    await using server = await serve((_, response) => {
      const lost = new AbortController();
      const capture = captureResponse(response, 100, () => queueMicrotask(() => lost.abort()));
      capture.abandonWith(lost.signal);
      if (isLostFirst) lost.abort();
      entered.resolve();
      capture.done.catch(outcome.resolve);
    });
    await goAway(server.url, entered.promise);
    expect(await outcome.promise).toBeInstanceOf(Abandoned);
  }
});

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { expect, test } from "vitest";
import { hono as holdfastHono } from "../../../src/middleware/hono.ts";
import { createIdempotency } from "../../../src/middleware/http.ts";
import { createFakeServer } from "../client/fake-server.ts";

function build() {
  const fake = createFakeServer();
  const options = { principal: () => "", clock: fake.clock, requestBytesMax: 100 };
  const idempotent = holdfastHono(createIdempotency<Context>(fake.client(), options));
  const app = new Hono();
  app.onError((error, context) => context.text(error.message, 500));
  const readFirst = async (context: Context, next: () => Promise<void>) => {
    await context.req.json();
    await next();
  };
  const charge = async (context: Context) => context.json(await context.req.json(), 201);
  app.post("/charges", readFirst, idempotent, charge);
  const readRaw = async (context: Context, next: () => Promise<void>) => {
    await context.req.raw.text();
    await next();
  };
  app.post("/raw", readRaw, idempotent, charge);
  return app;
}

const bodyOf = (amount: number) => ({
  method: "POST",
  headers: { "idempotency-key": '"k"', "content-type": "application/json" },
  body: JSON.stringify({ amount }),
});

test("a body that was read through the context is compared, and is the handler's still", async () => {
  const app = build();
  const server: ServerType = serve({ fetch: build().fetch, port: 0, hostname: "127.0.0.1" });
  if (!server.listening) await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const ways = [
    (amount: number) => app.request("/charges", bodyOf(amount)),
    (amount: number) => fetch(`http://127.0.0.1:${port}/charges`, bodyOf(amount)),
  ];
  for (const send of ways) {
    const first = await send(1);
    expect([first.status, await first.json()]).toEqual([201, { amount: 1 }]);
    expect((await send(999)).status).toBe(422);
    const again = await send(1);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
  }
  await new Promise((resolve) => server.close(resolve));
});

test("one that was read past the context is the service's mistake", async () => {
  const answer = await build().request("/raw", bodyOf(1));
  expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining("the body was read in front")]);
});

test("one over the bound is 413 also when it was read in front", async () => {
  const large = { ...bodyOf(1), body: JSON.stringify({ text: "x".repeat(200) }) };
  expect((await build().request("/charges", large)).status).toBe(413);
});

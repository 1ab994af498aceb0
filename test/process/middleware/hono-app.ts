import { once } from "node:events";
import { type ServerType, serve } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { fetchHandler } from "../../../src/middleware/fetch.ts";
import { hono as holdfastHono } from "../../../src/middleware/hono.ts";
import { attemptOf, createIdempotency } from "../../../src/middleware/http.ts";
import { type App, appOf, type Reply, ROUTE, type StartApp } from "./app.ts";

export const startHono: StartApp = async (holdfast, handler, options) => {
  const principal = (context: Context) => context.req.header("x-user") ?? "";
  const idempotent = holdfastHono(createIdempotency(holdfast, { ...options, principal }));
  const app = new Hono();
  app.onError((_, context) => context.json({ error: "the handler has thrown" }, 500));
  app.all(ROUTE, idempotent, async (context) => {
    const attempt = attemptOf(context);
    return respond(await handler({ attempt, id: context.req.param("id") ?? "", body: await bodyOf(context.req.raw) }));
  });
  return await listen(app.fetch);
};

/** A handler without a framework, behind a server that turns what it throws into 500. */
export const startFetch: StartApp = async (holdfast, handler, options) => {
  const principal = (request: Request) => request.headers.get("x-user") ?? "";
  const idempotency = createIdempotency(holdfast, { ...options, principal });
  const handle = fetchHandler(idempotency, { route: ROUTE }, async (request, attempt) => {
    const [, , id = ""] = new URL(request.url).pathname.split("/");
    return respond(await handler({ attempt, id, body: await bodyOf(request) }));
  });
  return await listen((request) =>
    handle(request).catch(() => new Response("the handler has thrown", { status: 500 })),
  );
};

async function listen(fetch: (request: Request) => Response | Promise<Response>): Promise<App> {
  const server: ServerType = serve({ fetch, port: 0, hostname: "127.0.0.1" });
  if (!server.listening) await once(server, "listening");
  return appOf(server, () => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
}

async function bodyOf(request: Request): Promise<unknown> {
  const isJson = request.headers.get("content-type")?.startsWith("application/json");
  return isJson ? await request.json() : await request.text();
}

function respond({ status, headers = {}, body }: Reply): Response {
  const pairs = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((each) => [name, each]));
  const isRaw = body === undefined || body instanceof ReadableStream;
  const sent = body instanceof Uint8Array ? new Uint8Array(body) : isRaw ? (body ?? null) : JSON.stringify(body);
  const response = new Response(sent, { status, headers: pairs as [string, string][] });
  if (typeof sent === "string") response.headers.set("content-type", "application/json");
  return response;
}

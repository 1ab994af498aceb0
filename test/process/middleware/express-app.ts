import { once } from "node:events";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import express, { type Request, type Response } from "express";
import { express as holdfastExpress } from "../../../src/middleware/express.ts";
import { attemptOf, createIdempotency } from "../../../src/middleware/http.ts";
import { appOf, type Reply, ROUTE, type StartApp } from "./app.ts";

export const startExpress: StartApp = async (holdfast, handler, options) => {
  const principal = (request: Request) => request.get("x-user") ?? "";
  const idempotent = holdfastExpress(createIdempotency(holdfast, { ...options, principal }));
  const app = express();
  app.use(express.json({ limit: "4mb" }), express.raw({ limit: "4mb" }));
  app.all(ROUTE, idempotent, async (request: Request, response: Response) => {
    const attempt = attemptOf(request);
    await send(response, await handler({ attempt, id: String(request.params["id"]), body: request.body }));
  });
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  return appOf(server, () => {
    server.closeAllConnections();
    return server[Symbol.asyncDispose]();
  });
};

export async function send(response: Response, { status, headers = {}, body }: Reply): Promise<void> {
  response.status(status).set(headers);
  if (body === undefined) response.end();
  else if (body instanceof ReadableStream) await pipeline(Readable.fromWeb(body as NodeReadableStream), response);
  else if (body instanceof Uint8Array) response.send(Buffer.from(body));
  else response.json(body);
}
